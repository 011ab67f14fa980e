import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from control.stack import logs
from control.stack import supervisor as supervision
from control.stack.busy import is_free
from control.stack.identity import Identity, Record, boot_id
from control.stack.layout import Layout
from control.stack.logs import rotate, tail
from control.stack.part import Unhealthy
from control.stack.progress import Silent
from control.stack.supervisor import Supervisor
from spec.errors import Conflict, Unavailable
from tests.stack.toys import Toy, identity_of, send, toy


@pytest.fixture
def stack(layout: Layout) -> Iterator[Callable[..., tuple[Supervisor, list[Toy]]]]:
    """Makes a supervisor over toys; whatever runs at the end is taken down."""
    made: list[Supervisor] = []

    def make(*kinds: type[Toy]) -> tuple[Supervisor, list[Toy]]:
        parts = [kind(layout) for kind in kinds]
        made.append(Supervisor(layout, parts, Silent()))
        return made[-1], parts

    yield make
    for supervisor in made:
        supervisor.down()


def test_parts_start_after_what_they_need_and_stop_before_it(stack) -> None:
    diary: list[str] = []
    kinds = (
        toy("roof", "api", needs=("wall",), diary=diary),
        toy("wall", "gateway", needs=("ground",), diary=diary),
        toy("ground", "minio", diary=diary),
    )
    supervisor, _ = stack(*kinds)
    assert supervisor.up() == diary == ["ground", "wall", "roof"]
    assert supervisor.down() == ["roof", "wall", "ground"]


def test_up_twice_starts_nothing_anew(stack) -> None:
    kind = toy("a", "api")
    supervisor, (part,) = stack(kind)
    supervisor.up()
    before = identity_of(part)
    again, _ = stack(kind)
    assert again.up() == []
    assert identity_of(part) == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_up_mends_what_died_or_does_not_respond(stack, number: signal.Signals) -> None:
    kinds = toy("a", "api"), toy("b", "gateway", needs=("a",))
    supervisor, (a, b) = stack(*kinds)
    supervisor.up()
    hurt, healthy = send(a, number), identity_of(b)
    again, _ = stack(*kinds)
    assert again.up() == ["a"]
    assert not hurt.alive()
    assert identity_of(b) == healthy
    assert {status.state for status in again.status()} == {"up"}


@pytest.mark.parametrize("act", ["up", "down"])
def test_children_of_a_killed_parent_do_not_hold_its_port(stack, act: str) -> None:
    supervisor, (part,) = stack(toy("a", "api", words=("keeper",)))
    supervisor.up()
    send(part, signal.SIGKILL)
    part.check()  # the child goes on
    getattr(supervisor, act)()
    deadline = time.monotonic() + 5
    while act == "down" and not is_free(part.port()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_free(part.port()) == (act == "down")


def test_a_changed_command_starts_the_part_anew(stack) -> None:
    supervisor, (part,) = stack(toy("a", "api"))
    supervisor.up()
    before = identity_of(part)
    again, _ = stack(toy("a", "api", words=("other",)))
    assert again.up() == ["a"]
    assert not before.alive()


def test_down_kills_what_ignores_it_and_leaves_no_process(stack) -> None:
    supervisor, parts = stack(toy("a", "api", words=("stubborn",)), toy("b", "gateway"))
    supervisor.up()
    send(parts[1], signal.SIGSTOP)
    identities = [identity_of(part) for part in parts]
    assert sorted(supervisor.down()) == ["a", "b"]
    assert not any(identity.alive() for identity in identities)
    assert supervisor.down() == []


def test_down_never_touches_somebody_who_got_the_same_number(stack) -> None:
    supervisor, (part,) = stack(toy("a", "api"))
    supervisor.up()
    supervisor.down()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        Record(Identity(boot_id(), stranger.pid, "1"), fingerprint="", started_at=0).write(
            part.record
        )
        assert supervisor.down() == []
        assert stranger.poll() is None
        stranger.kill()


def test_a_busy_port_stops_up_before_anything_is_started(stack) -> None:
    supervisor, (a, b) = stack(toy("a", "api"), toy("b", "gateway", needs=("a",)))
    with closing(socket.create_server(("127.0.0.1", b.port()))):
        with pytest.raises(Conflict, match="OPENLAKE_PORTS__GATEWAY"):
            supervisor.up()
    assert Record.read(a.record) is None


def test_a_part_that_ends_at_once_is_reported_with_its_last_words(stack) -> None:
    supervisor, _ = stack(toy("a", "api", words=("broken",)))
    with pytest.raises(Unavailable, match="cannot read its own mind"):
        supervisor.up()


def test_dependents_of_a_failed_part_are_not_started(stack) -> None:
    supervisor, (_, b) = stack(
        toy("a", "api", words=("broken",)), toy("b", "gateway", needs=("a",))
    )
    with pytest.raises(Unavailable):
        supervisor.up()
    assert Record.read(b.record) is None


def test_an_interrupted_up_stops_what_it_started_and_only_that(
    stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, (before,) = stack(toy("before", "minio"))
    first.up()
    started = threading.Event()
    never = toy("never", "gateway", needs=("a",), check=lambda self: _never_well())
    supervisor, (_, a, _) = stack(
        toy("before", "minio"), toy("a", "api", after_start=lambda self: started.set()), never
    )

    def wait_then_interrupt(*args: Any, **kwargs: Any):
        if started.is_set():
            raise KeyboardInterrupt
        return wait(*args, **{**kwargs, "timeout": 0.2})

    wait = supervision.wait
    monkeypatch.setattr(supervision, "wait", wait_then_interrupt)
    with pytest.raises(KeyboardInterrupt):
        supervisor.up()
    monkeypatch.undo()
    assert Record.read(a.record) is None
    assert identity_of(before).alive()


def _never_well() -> None:
    raise Unhealthy("never")


def test_status_says_what_is_wrong(stack) -> None:
    supervisor, (a, _) = stack(toy("a", "api"), toy("b", "gateway"))
    assert {status.state for status in supervisor.status()} == {"down"}
    supervisor.up()
    send(a, signal.SIGSTOP)
    time.sleep(0.1)
    found = {status.part.name: status for status in supervisor.status()}
    assert found["a"].problem == "its process is suspended"
    assert found["b"].state == "up"


def test_the_tail_of_a_log_is_its_last_lines(tmp_path) -> None:
    log = tmp_path / "log"
    assert tail(log, 3) == []
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert tail(log, 2) == ["line 99998", "line 99999"]


def test_a_grown_log_is_rotated_under_its_writer(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_LIMIT_BYTES", 10)
    log = tmp_path / "part.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"much too long\n")
        rotate(log)
        writer.write(b"short\n")
        rotate(log)
    assert log.read_bytes() == b"short\n"
    assert (tmp_path / "part.1.log").read_bytes() == b"much too long\n"
