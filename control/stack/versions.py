"""Reads `infra/versions.toml`, the only home of pinned versions."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from spec.errors import NotFound


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PythonRange(_Frozen):
    """The Python versions OpenLake runs on: `at_least` <= version < `below`."""

    at_least: str
    below: str


class GoTool(_Frozen):
    """One program built with `go install module@version`."""

    module: str
    version: str
    go: str
    """The oldest Go that builds it."""
    suits: str
    """What `--version` of a program on PATH must say for it to be taken instead (a pattern)."""


class MavenArtifacts(_Frozen):
    """Artifacts of one folder, as `group:name:version[:type[:classifier]]`."""

    coordinates: tuple[str, ...]
    transitive: bool = False
    plugins: tuple[str, ...] = ()
    """For the Trino archive: the plugin folders that stay."""

    @property
    def version(self) -> str:
        """The version of the first artifact, which names the part."""
        return self.coordinates[0].split(":")[2]

    @property
    def digest(self) -> str:
        """Ten hex digits that change with any coordinate or kept plugin."""
        text = "\n".join((*self.coordinates, str(self.transitive), *self.plugins))
        return hashlib.sha256(text.encode()).hexdigest()[:10]


class PythonPackage(_Frozen):
    """A program with an environment of its own, locked by `infra/<name>.lock`."""

    package: str
    version: str
    beside: tuple[str, ...] = ()
    """What is locked together with it, as lines of a requirements file."""

    @property
    def requirements(self) -> str:
        """The text of a requirements file, from which the lock is made."""
        return "\n".join((f"{self.package}=={self.version}", *self.beside))


class NodeRange(_Frozen):
    """The oldest Node.js that builds the console."""

    at_least: str


class Versions(_Frozen):
    """The whole file."""

    python: PythonRange
    wheels: dict[str, str]
    go: dict[str, GoTool]
    environments: dict[str, PythonPackage] = Field(default_factory=dict[str, PythonPackage])
    node: NodeRange
    maven: dict[str, MavenArtifacts] = Field(default_factory=dict[str, MavenArtifacts])


def versions_file() -> Path:
    """Return the file of a checkout, or its copy inside an installed wheel.

    Raises:
        NotFound: Neither exists.
    """
    here = Path(__file__).resolve()
    for file in (here.parents[2] / "infra" / "versions.toml", here.with_name("versions.toml")):
        if file.is_file():
            return file
    raise NotFound(f"versions.toml is missing beside {here.parent}; reinstall OpenLake")


def lock_file(name: str) -> Path:
    """Return the file that locks the packages of an environment."""
    return versions_file().with_name(f"{name}.lock")


@cache
def lock_digest(name: str) -> str:
    """Return ten hex digits that change with any package of an environment."""
    return hashlib.sha256(lock_file(name).read_bytes()).hexdigest()[:10]


@cache
def pinned() -> Versions:
    """Read the file once a process."""
    return Versions.model_validate(tomllib.loads(versions_file().read_text()))
