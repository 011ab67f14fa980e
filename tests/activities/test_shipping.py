"""What an attempt writes arrives whole and once, whatever happens in between."""

from pathlib import Path

import pytest

from activities.engines.base import Feeds
from activities.engines.local import FileLog
from activities.shipping import CHUNK_BYTES, Shipper, persist
from spec.attempts import AttemptOutput
from spec.errors import Forbidden, Unavailable
from tests.activities.fakes import FakeControl


def make_shipper(control: FakeControl, folder: Path) -> Shipper:
    return Shipper(control, 1, Feeds(FileLog(folder / "log"), folder / "lineage.jsonl"))


@pytest.mark.parametrize("held", [0, 100, CHUNK_BYTES + 7])
async def test_a_log_goes_on_where_the_api_ends(
    control: FakeControl, tmp_path: Path, held: int
) -> None:
    log = bytes(n % 251 for n in range(CHUNK_BYTES * 2 + 500))
    (tmp_path / "log").write_bytes(log)
    control.logs[1] = bytearray(log[:held])
    await make_shipper(control, tmp_path).finish(AttemptOutput())
    assert bytes(control.logs[1]) == log


async def test_bytes_that_are_not_taken_come_again(control: FakeControl, tmp_path: Path) -> None:
    log = bytes(n % 251 for n in range(CHUNK_BYTES + 500))
    (tmp_path / "log").write_bytes(log)
    control.held = 100
    await make_shipper(control, tmp_path).finish(AttemptOutput())
    assert bytes(control.logs[1]) == log


async def test_a_chunk_that_cannot_be_judged_grows(control: FakeControl, tmp_path: Path) -> None:
    log = bytes(n % 251 for n in range(CHUNK_BYTES * 5))
    (tmp_path / "log").write_bytes(log)
    control.held = CHUNK_BYTES * 3
    await make_shipper(control, tmp_path).finish(AttemptOutput())
    assert bytes(control.logs[1]) == log


async def test_another_hosts_part_of_a_log_stays_before_ours(
    control: FakeControl, tmp_path: Path
) -> None:
    control.logs[1] = bytearray(b"there\n")
    (tmp_path / "log").write_bytes(b"here\n")
    feeds = Feeds(FileLog(tmp_path / "log"), tmp_path / "lineage.jsonl")
    for _ in range(2):
        await Shipper(control, 1, feeds, base=6).finish(AttemptOutput())
    assert bytes(control.logs[1]) == b"there\nhere\n"


async def test_an_output_is_stored_unless_it_is_empty(control: FakeControl, tmp_path: Path) -> None:
    await make_shipper(control, tmp_path).finish(AttemptOutput())
    assert control.outputs == {}
    await make_shipper(control, tmp_path).finish(AttemptOutput(error="e"))
    assert control.outputs == {1: AttemptOutput(error="e")}


async def test_a_call_is_repeated_only_when_that_may_help() -> None:
    calls: list[int] = []

    async def flaky() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise Unavailable("away")
        return "there"

    async def refused() -> None:
        calls.append(1)
        raise Forbidden("no")

    assert await persist(flaky) == "there"
    assert len(calls) == 3
    with pytest.raises(Forbidden):
        await persist(refused)
    assert len(calls) == 4


async def test_lineage_arrives_once_and_whole(control: FakeControl, tmp_path: Path) -> None:
    path = tmp_path / "lineage.jsonl"
    shipper = make_shipper(control, tmp_path)
    path.write_text('{"a": 1}\nnot json\n{"b"')
    await shipper._ship_lineage()
    with path.open("a") as file:
        file.write(": 2}\n")
    await shipper._ship_lineage()
    await shipper._ship_lineage()
    assert control.events == [{"a": 1}, {"b": 2}]
