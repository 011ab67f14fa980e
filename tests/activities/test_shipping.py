"""What an attempt writes arrives whole and once, whatever happens in between."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from activities import shipping
from activities.engines.base import Feeds
from activities.engines.local import FileLog
from activities.shipping import CHUNK_BYTES, Shipper, persist
from spec.attempts import AttemptOutput
from spec.errors import Forbidden, Invalid, Unavailable
from tests.activities.fakes import FakeControl


def make_shipper(control: FakeControl, folder: Path) -> Shipper:
    return Shipper(control, 1, Feeds(FileLog(folder / "log"), folder / "lineage.jsonl"))


async def test_work_that_ends_at_once_is_shipped_in_one_piece(
    control: FakeControl, tmp_path: Path
) -> None:
    shipper = make_shipper(control, tmp_path)
    shipper.announce({"eventType": "START"})
    (tmp_path / "log").write_bytes(b"all of it")
    following = asyncio.create_task(shipper.follow())
    for _ in range(10):
        await asyncio.sleep(0)
    following.cancel()
    assert not control.events and not control.logs
    shipper.announce({"eventType": "COMPLETE"})
    await shipper.finish(AttemptOutput())
    assert [event["eventType"] for event in control.events] == ["START", "COMPLETE"]
    assert (control.logs[1], control.appends) == (b"all of it", 1)


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


async def test_what_user_code_writes_of_lineage_never_holds_up_the_end(
    control: FakeControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "MOST_LEFT_BYTES", 1000)
    lines = [b'{"a": 1}', b"\xff" * 300, b'{"a": NaN}', b'{"a": "\\u0000 \\ud800"}', b"[" * 999]
    lines += [b'{"refused": true}', b'{"a": 2}', b"x" * 5000, b'{"a": "after a line without end"}']
    (tmp_path / "lineage.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    control.refused = {"refused": True}
    shipper = make_shipper(control, tmp_path)
    shipper.announce({"eventType": "COMPLETE"})
    await shipper.finish(AttemptOutput())
    told = [{"eventType": "COMPLETE"}, {"a": 1}, {"a": "\ufffd \ufffd"}, {"a": 2}]
    assert control.events == told


async def test_lineage_is_sent_in_parts_and_only_so_much_of_it(
    control: FakeControl, tmp_path: Path
) -> None:
    lines = (f'{{"n": {number}}}\n' for number in range(10_500))
    (tmp_path / "lineage.jsonl").write_text("".join(lines))
    calls: list[int] = []
    take = control.add_lineage

    async def add(task_run_id: int, events: list[Any]) -> None:
        calls.append(len(events))
        await take(task_run_id, events)

    control.add_lineage = add
    shipper = make_shipper(control, tmp_path)
    shipper.announce({"eventType": "COMPLETE"})
    await shipper.finish(AttemptOutput())
    assert max(calls) == 500
    assert len(control.events) == 1 + 10_000


async def test_a_refusal_at_the_end_is_told_as_it_is(control: FakeControl, tmp_path: Path) -> None:
    """Not as a group, which would be tried again for ever; and the log arrives all the same."""

    async def refuse(task_run_id: int, output: AttemptOutput) -> None:
        raise Invalid("task values have at most 49152 bytes of JSON, not 50000")

    control.put_output = refuse
    log = bytes(CHUNK_BYTES * 2 + 500)
    (tmp_path / "log").write_bytes(log)
    with pytest.raises(Invalid, match="not 50000"):
        await make_shipper(control, tmp_path).finish(AttemptOutput(error="e"))
    assert bytes(control.logs[1]) == log
