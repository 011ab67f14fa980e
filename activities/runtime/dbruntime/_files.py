"""The files that carry everything into a task and out of it; see the package's docstring."""

import json
import os
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Frame:
    """One notebook that runs another: it has parameters, a folder and a result of its own."""

    folder: Path
    """What relative paths of notebooks start from."""
    widgets: dict[str, str]
    level: int = 1
    """How many notebooks have run each other, this one included."""
    defaults: dict[str, str] = field(default_factory=dict[str, str])


FRAME: ContextVar[Frame | None] = ContextVar("openlake_notebook", default=None)
"""Unset in the task's own notebook or program."""


def context() -> dict[str, Any]:
    """Return what the task was given; {} outside of a task."""
    path = os.environ.get("OPENLAKE_CONTEXT")
    if path is None or not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        content: dict[str, Any] = json.load(file)
    return content


def leave(name: str, content: Any) -> None:
    """Write a file for the worker, at once; nothing outside of a task."""
    folder = os.environ.get("OPENLAKE_OUT")
    if folder is None:
        return
    draft = os.path.join(folder, f".{name}.{os.getpid()}.{time.monotonic_ns()}")
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(draft, os.path.join(folder, name))


def left(name: str) -> Any:
    """Return what was left under this name; None when nothing was."""
    folder = os.environ.get("OPENLAKE_OUT")
    path = None if folder is None else os.path.join(folder, name)
    if path is None or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)
