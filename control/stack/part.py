"""What every part of the stack declares: install, start, health, stop."""

import hashlib
import json
import os
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version as package_version
from pathlib import Path
from typing import ClassVar

import httpx2

from control.stack.layout import LOOPBACK, Layout
from control.stack.tools import make_tool

_HEALTH_TIMEOUT_S = 2.0


class Unhealthy(Exception):
    """A part does not answer, or answers that it is not well; the message is for people."""


@dataclass(frozen=True)
class Command:
    """How a part's process is started."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Added to a small base environment; never a secret."""
    cwd: Path | None = None
    user: str | None = None
    """Another user to run as; only possible, and only used, when the stack runs as root."""

    basis: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """What else the process is made from: the settings in its configuration files."""

    def fingerprint(self, version: str) -> str:
        """Return what changes when the process would have to be started anew to be right."""
        made_from = (dict(self.env), dict(self.basis), str(self.cwd), self.user, version)
        content = json.dumps([self.argv, *made_from])
        return hashlib.sha256(content.encode()).hexdigest()[:16]


class Part(ABC):
    """One server of the stack."""

    name: str
    title: str
    needs: ClassVar[tuple[str, ...]] = ()
    """Parts that must be healthy first (those of them that are in the profile)."""
    tools: ClassVar[tuple[str, ...]] = ()
    """What the installer must have ready."""
    ports: ClassVar[tuple[str, ...]] = ()
    """Names in `Settings.ports`; the first one is the part's own address."""
    advice: ClassVar[str]
    """What to do when the part is ill, beyond `openlake up`."""
    start_timeout_s: ClassVar[float] = 60.0
    stop_signal: ClassVar[int] = signal.SIGTERM
    grace_s: ClassVar[float] = 10.0
    """How long the part may take to end after that signal before it is killed."""
    folder_mode: ClassVar[int] = 0o700
    kill_tree: ClassVar[bool] = False
    """Kill also children that are sessions of their own. False for workers: what they started
    outlives them on purpose."""

    def __init__(self, layout: Layout) -> None:
        """See class."""
        self.layout = layout

    @property
    def folder(self) -> Path:
        """The part's own folder in the data folder."""
        return self.layout.part_dir(self.name)

    @property
    def log(self) -> Path:
        """The part's log."""
        return self.layout.logs_dir / f"{self.name}.log"

    @property
    def record(self) -> Path:
        """Where `up` remembers the started process."""
        return self.layout.run_dir / f"{self.name}.json"

    def port(self, name: str | None = None) -> int:
        """Return one port of the part; its own address when no name is given."""
        return int(getattr(self.layout.settings.ports, name or self.ports[0]))

    @property
    def address(self) -> str:
        """Where the part is found, for people."""
        return f"http://{LOOPBACK}:{self.port()}"

    def version(self) -> str:
        """Return the version in use."""
        return make_tool(self.tools[0], self.layout).version

    def prepare(self) -> None:  # noqa: B027 (most parts need nothing)
        """Write what the process reads; called before each start."""

    @abstractmethod
    def command(self) -> Command:
        """Return how to start the process."""

    @abstractmethod
    def check(self) -> None:
        """Return when the part is well.

        Raises:
            Unhealthy: It is not.
        """

    def after_start(self) -> None:  # noqa: B027 (most parts need nothing)
        """Put in place what dependents rely on; called on every `up`, so it must be repeatable."""


def check_http(url: str) -> httpx2.Response:
    """Ask one address.

    Raises:
        Unhealthy: No answer in time, or one that is not 2xx.
    """
    try:
        response = httpx2.get(url, timeout=_HEALTH_TIMEOUT_S, trust_env=False)
    except httpx2.TimeoutException:
        raise Unhealthy(f"{url} does not answer within {_HEALTH_TIMEOUT_S:.0f} s") from None
    except httpx2.HTTPError as error:
        raise Unhealthy(f"{url} cannot be reached ({error})") from None
    if not response.is_success:
        raise Unhealthy(f"{url} answers {response.status_code}: {response.text[:200]}")
    return response


def write_private(file: Path, content: str, owner: str | None = None) -> Path:
    """Write a file that holds secrets with mode 0600 and return it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(content)
    if owner:
        shutil.chown(draft, owner)
    draft.replace(file)
    return file


def own_version() -> str:
    """Return the version of OpenLake itself."""
    return package_version("openlake-platform")
