"""The class archive is made once, put in place by its maker, and only for what it was made from."""

import asyncio
from pathlib import Path

from activities import processes
from activities.engines.spark_archive import ClassArchive

JAVA = """#!/bin/sh
for word in "$@"; do
  case $word in -XX:SharedArchiveFile=*) echo "$$" >> "{calls}"; {body} ;; esac
done
"""


class Java:
    """A runtime that writes an archive, or does something else instead."""

    def __init__(self, folder: Path, body: str) -> None:
        self.calls = folder / "calls"
        self.jar = folder / "a.jar"
        self.jar.write_text("jar")
        self.class_list = folder / "classes.lst"
        self.class_list.write_text("java/lang/Object")
        (folder / "bin").mkdir()
        java = folder / "bin" / "java"
        java.write_text(JAVA.format(calls=self.calls, body=body))
        java.chmod(0o755)
        self.folder = folder

    def archive(self) -> ClassArchive:
        return ClassArchive(self.folder, self.folder, "a.jar", [self.jar])

    def options(self) -> str:
        return " ".join(self.archive().java_options(self.class_list))


WRITE = 'sleep 0.3; echo archive > "${word#*=}"'


async def test_it_is_made_once_and_then_used(tmp_path: Path) -> None:
    java = Java(tmp_path, WRITE)
    assert "DumpLoadedClassList" in java.options()
    await asyncio.gather(*(java.archive().make(java.class_list) for _ in range(4)))
    await java.archive().make(java.class_list)
    assert len(java.calls.read_text().split()) == 1
    assert "SharedArchiveFile" in java.options()
    assert [each.name for each in tmp_path.glob("spark-*")] == [
        each.name for each in tmp_path.glob("spark-*.jsa")
    ]
    java.jar.write_text("another jar")
    assert "DumpLoadedClassList" in java.options()


async def test_a_failed_making_leaves_nothing_and_may_be_tried_again(tmp_path: Path) -> None:
    java = Java(tmp_path, 'echo half > "${word#*=}"; exit 1')
    for _ in range(2):
        await java.archive().make(java.class_list)
    assert len(java.calls.read_text().split()) == 2
    assert list(tmp_path.glob("spark-*")) == []


async def test_a_worker_that_leaves_stops_the_making(tmp_path: Path) -> None:
    java = Java(tmp_path, "sleep 60")
    making = asyncio.create_task(java.archive().make(java.class_list))
    async with asyncio.timeout(10):
        while not java.calls.exists() or not java.calls.read_text():
            await asyncio.sleep(0.01)
    maker = processes.identify(int(java.calls.read_text()))
    making.cancel()
    await asyncio.gather(making, return_exceptions=True)
    await asyncio.sleep(0.2)
    assert processes.pulse(maker) is processes.Pulse.DEAD
    again = asyncio.create_task(java.archive().make(java.class_list))
    async with asyncio.timeout(10):
        while len(java.calls.read_text().split()) < 2:
            await asyncio.sleep(0.01)
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
