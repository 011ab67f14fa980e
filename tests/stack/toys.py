"""Parts that are tiny TCP servers, to see the supervisor at work without real ones."""

import os
import signal
import socket
import sys
from typing import Any

from control.stack.identity import Identity, Record
from control.stack.layout import LOOPBACK
from control.stack.part import Command, Part, Unhealthy

SERVER = """
import os, signal, socket, sys
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "keeper" in sys.argv and (child := os.fork()):
    os.waitpid(child, 0)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
if "broken" in sys.argv:
    sys.exit("cannot read its own mind")
while True:
    connection, _ = server.accept()
    connection.sendall(b"well")
    connection.close()
"""


class Toy(Part):
    """Answers `well` on its port; notes what was done to it in the class's diary."""

    title = "Toy"
    advice = "play on"
    start_timeout_s = 10.0
    grace_s = 0.5
    words: tuple[str, ...] = ()
    diary: list[str] = []

    def version(self) -> str:
        return "1"

    def command(self) -> Command:
        return Command((sys.executable, "-S", "-c", SERVER, str(self.port()), *self.words))

    def check(self) -> None:
        try:
            with socket.create_connection((LOOPBACK, self.port()), timeout=0.5) as connection:
                if connection.recv(4) != b"well":
                    raise Unhealthy("it mumbles")
        except OSError as error:
            raise Unhealthy(str(error)) from None

    def after_start(self) -> None:
        self.diary.append(self.name)


def toy(name: str, port: str, **attributes: Any) -> type[Toy]:
    """Return a kind of toy."""
    return type(name, (Toy,), {"name": name, "ports": (port,), **attributes})


def identity_of(part: Part) -> Identity:
    record = Record.read(part.record)
    assert record is not None
    return record.identity


def send(part: Part, number: signal.Signals) -> Identity:
    """Send a signal to a part's process and return who that was."""
    identity = identity_of(part)
    os.kill(identity.pid, number)
    return identity
