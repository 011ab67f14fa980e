"""Sends messages with Apprise, in a process that cannot reach what it must not.

`python -m control.notifications.apprise_program [NETWORKS]` reads one JSON object a line and
answers each with one line, in any order, until its input ends. See `courier`, which starts it.

Apprise and its 170 plugins open their own connections, so the rules are laid below all of them: an
audit hook, which nothing in a Python process can take away again, sees every connect before it
happens, with the very address. It also refuses other programs, Unix sockets, and files outside
Python's own: what a person writes as an Apprise URL must not read our secrets.
"""

import importlib
import json
import logging
import os
import re
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, cast

from control.notifications.guard import AddressGuard, AddressRefused, parse_networks

_AT_ONCE = 8
_SERVICE_TIMEOUT_S = 25.0
_CONNECTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_PROGRAMS = (
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"),
    *("os.fork", "os.forkpty", "ctypes.dlopen"),
)
_READABLE = (
    *(os.path.realpath(folder) + os.sep for folder in (sys.prefix, sys.base_prefix)),
    *("/etc/ssl/", "/usr/lib/ssl/", "/etc/pki/", "/usr/share/zoneinfo/", "/etc/mime.types"),
    *("/etc/localtime", "/etc/timezone", "/dev/null", "/dev/urandom"),
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_trusted: ContextVar[bool] = ContextVar("trusted", default=False)
"""The message goes to the mail server of the settings, whose address is nobody's choice."""
_refusals: ContextVar[list[str] | None] = ContextVar("refusals", default=None)
_lines: ContextVar[list[str] | None] = ContextVar("lines", default=None)


def forbid(guard: AddressGuard) -> None:
    """Lay the rules on this process, for as long as it lives."""

    def refuse(message: str) -> None:
        refusals = _refusals.get()
        if refusals is not None:
            refusals.append(message)
        raise AddressRefused(message)

    def connects(sock: socket.socket, address: Any) -> None:
        if address is None or _trusted.get():
            return
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            refuse("sockets other than those of the internet protocols are not allowed")
        try:
            guard.require(str(address[0]), str(address[0]))
        except AddressRefused as error:
            refuse(str(error))

    def opens(path: object, _mode: object, flags: object) -> None:
        if isinstance(path, int):
            return
        name = os.path.realpath(os.fsdecode(cast(str | bytes, path)))
        if int(cast(int, flags) or 0) & _WRITING and name != "/dev/null":
            refuse("notifications may not write files")
        if not name.startswith(_READABLE):
            refuse("notifications may not read files of this machine")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CONNECTS:
            connects(arguments[0], arguments[1])
        elif event == "open":
            opens(*arguments)
        elif event in _PROGRAMS:
            refuse("notifications may not start programs")
        elif event.startswith("syslog."):
            refuse("notifications may not write to the log of this machine")

    sys.addaudithook(hook)


class _Listener(logging.Handler):
    """Collects what Apprise says, for the message in whose context it says it."""

    def emit(self, record: logging.LogRecord) -> None:
        """See base class."""
        lines = _lines.get()
        if lines is not None and (record.levelno >= logging.WARNING or "xception" in record.msg):
            lines.append(record.getMessage())


def answer(task: dict[str, Any]) -> dict[str, Any]:
    """Do what one line asks for: `check` a service, or `send` a message by it."""
    lines: list[str] = []
    refusals: list[str] = []
    _lines.set(lines)
    _refusals.set(refusals)
    _trusted.set(bool(task.get("trusted")))
    try:
        ok, error = _do(task)
    except Exception as problem:
        ok, error = False, f"{type(problem).__name__}: {problem}"
    if refusals and not ok:
        error = refusals[0]
    elif not ok and not error:
        error = "; ".join(dict.fromkeys(map(_brief, lines))) or "the service refused the message"
    return {
        "id": task["id"],
        "ok": ok,
        "error": _without(task.get("secrets", []), error)[:500],
        "final": bool(refusals) and not ok,
    }


def _do(task: dict[str, Any]) -> tuple[bool, str]:
    from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, PersistentStoreMode

    asset: Any = AppriseAsset(
        app_id="OpenLake",
        app_desc="OpenLake notifications",
        app_url="",
        image_url_mask="",
        image_path_mask="",
        async_mode=False,
        http_redirects=False,
        storage_mode=PersistentStoreMode.MEMORY,
        service_timeout=_SERVICE_TIMEOUT_S,
        pgp_autogen=False,
        pem_autogen=False,
    )
    service = cast(Any, Apprise).instantiate(task["service"], asset=asset)
    wanted = task.get("schemas", [])
    if service is None or (wanted and not set(wanted) & _schemas(service)):
        return False, ""
    if task["verb"] == "check":
        return True, ""
    sender: Any = Apprise(asset=asset)
    sender.add(service)
    result: Any = sender.notify(
        title=task["title"],
        body=task["body"],
        notify_type=NotifyType(task["type"]),
        body_format=NotifyFormat.TEXT,
    )
    return bool(result), ""


def _schemas(service: Any) -> set[str]:
    names: set[str] = set()
    for given in (service.protocol, service.secure_protocol):
        names.update([given] if isinstance(given, str) else given or ())
    return names


def _brief(line: str) -> str:
    """Cut the request out of an error: its address may hold the secret."""
    return re.sub(r"^Socket Exception: .*\(Caused by (.*)\)$", r"\1", line, flags=re.DOTALL)


def _without(secrets: list[str], text: str) -> str:
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "[REDACTED]")
    return text


def listen() -> logging.Handler:
    """Take up what Apprise says; it reports the reasons of failures in no other way."""
    logger, listener = logging.getLogger("apprise"), _Listener()
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(listener)
    return listener


def main() -> None:
    """Answer lines until there are none."""
    # Before the rules. Plugins come when they are named; Python's own files may be read then.
    importlib.import_module("apprise")
    listen()
    sys.dont_write_bytecode = True
    forbid(AddressGuard(parse_networks(sys.argv[1] if len(sys.argv) > 1 else "")))
    writing = threading.Lock()

    def handle(line: str, work: Callable[[dict[str, Any]], dict[str, Any]] = answer) -> None:
        text = json.dumps(work(json.loads(line)))
        with writing:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for line in sys.stdin:
            pool.submit(handle, line)


if __name__ == "__main__":
    main()
