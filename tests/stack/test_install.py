import errno
import threading
import time
from pathlib import Path

import pytest

from control.stack import install as installation
from control.stack import tools
from control.stack.commands import Cancelled, Runner, explain
from control.stack.install import install
from control.stack.layout import Layout
from control.stack.progress import Silent
from control.stack.tool import Say, Tool
from spec.errors import Unavailable


class Toy(Tool):
    """A tool of one file."""

    room_mib = 1
    wants: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        return "1"

    @property
    def target(self) -> Path:
        return self.layout.cache_dir / f"{self.name}-1"

    @property
    def proof(self) -> Path:
        return self.target / "file"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.wants

    def fill(self, draft: Path, runner: Runner, say: Say) -> None:
        (draft / "file").write_text(self.name)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> dict[str, type[Toy]]:
    """Kinds of tools by name; a test adds its own."""
    kinds: dict[str, type[Toy]] = {}
    monkeypatch.setattr(
        installation, "make_tool", lambda name, layout: kinds.get(name, Toy)(name, layout)
    )
    return kinds


def left_over(layout: Layout) -> list[str]:
    return sorted(path.name for path in layout.cache_dir.iterdir() if path.name != ".lock")


def test_what_is_missing_is_installed_with_what_it_needs(layout: Layout, toys) -> None:
    class Needy(Toy):
        wants = ("b",)

        def fill(self, draft: Path, runner: Runner, say: Say) -> None:
            assert (self.layout.cache_dir / "b-1" / "file").exists()
            super().fill(draft, runner, say)

    toys["a"] = Needy
    install(layout, ["a"], Silent())
    assert left_over(layout) == ["a-1", "b-1"]


def test_a_failure_leaves_nothing_half_installed_and_keeps_what_was_finished(
    layout: Layout, toys
) -> None:
    class Failing(Toy):
        wants = ("good",)

        def fill(self, draft: Path, runner: Runner, say: Say) -> None:
            (draft / "half").touch()
            raise Unavailable("no network")

    toys["bad"] = Failing
    with pytest.raises(Unavailable, match="no network"):
        install(layout, ["bad"], Silent())
    assert left_over(layout) == ["good-1"]


def test_a_full_disk_is_one_sentence(layout: Layout, toys) -> None:
    class Full(Toy):
        def fill(self, draft: Path, runner: Runner, say: Say) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    toys["a"] = Full
    with pytest.raises(Unavailable, match="disk is full; free some space"):
        install(layout, ["a"], Silent())


def test_too_little_room_is_said_before_anything_is_fetched(layout: Layout, toys) -> None:
    class Huge(Toy):
        room_mib = 10**9

    toys["a"] = Huge
    with pytest.raises(Unavailable, match="OPENLAKE_CACHE_DIR"):
        install(layout, ["a"], Silent())
    assert left_over(layout) == []


def test_drafts_of_a_killed_installation_are_cleaned_up(layout: Layout, toys) -> None:
    (layout.cache_dir / ".draft-a-1").mkdir(parents=True)
    install(layout, ["a"], Silent())
    assert left_over(layout) == ["a-1"]


def test_a_program_on_path_is_linked(layout: Layout, toys, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.touch()

    class Found(Toy):
        def adopt(self) -> Path | None:
            return program

    toys["a"] = Found
    install(layout, ["a"], Silent())
    assert (layout.cache_dir / "a-1" / "file").resolve() == program
    program.unlink()
    assert installation.missing_tools(layout, ["a"]) == ["a"]


def test_cancelling_ends_the_command_under_way(tmp_path: Path) -> None:
    runner = Runner()
    threading.Timer(0.3, runner.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        runner.run("toy", ["sleep", "60"], log=tmp_path / "log")
    assert time.monotonic() - began < 5
    with pytest.raises(Cancelled):
        runner.run("toy", ["true"], log=tmp_path / "log")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("write /x: no space left on device", "disk is full"),
        ("dial tcp: lookup proxy on 1.1.1.1: no such host", "registry cannot be reached"),
        ("java.net.UnknownHostException: repo", "registry cannot be reached"),
        ("PKIX path building failed: x", "SSL_CERT_FILE"),
        ('cgo: C compiler "gcc" not found', "CGO_ENABLED=0"),
        ("line\nthe last word\n", "the last word"),
        ("", "it printed nothing"),
    ],
)
def test_a_failure_is_explained(said: str, told: str, tmp_path: Path) -> None:
    assert told in explain(said, tmp_path / "log")


def test_go_of_path_is_taken_only_when_new_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "go version go1.24.8 linux/amd64"
    monkeypatch.setattr(
        tools, "_on_path", lambda name, arguments, suits: Path("go") if suits(said) else None
    )
    assert tools.go_on_path("1.24") == Path("go")
    assert tools.go_on_path("1.24.8") == Path("go")
    assert tools.go_on_path("1.25") is None
