"""The proxy does to connections what it says: a fault that it reports has happened."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.chaos.proxy import Mode, Proxies


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that answers what it is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer(one: socket.socket) -> None:
            with one, suppress(OSError):
                while said := one.recv(1024):
                    one.sendall(said)

        def listen() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=[server.accept()[0]], daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1]


@pytest.fixture
def proxies(echo: int) -> Iterator[Proxies]:
    made = Proxies({"echo": echo})
    try:
        yield made
    finally:
        made.close()


def connect(proxies: Proxies) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxies.links["echo"].port), timeout=5)


def ask(one: socket.socket, text: bytes) -> bytes:
    one.sendall(text)
    return one.recv(1024)


def test_a_link_carries_both_ways(proxies: Proxies) -> None:
    with connect(proxies) as one:
        assert ask(one, b"hello") == b"hello"
        one.shutdown(socket.SHUT_WR)
        assert one.recv(10) == b""
    assert proxies.links["echo"].hits == 0


def test_a_cut_resets_open_connections_and_refuses_new_ones(proxies: Proxies) -> None:
    with connect(proxies) as one:
        assert ask(one, b"hello") == b"hello"
        proxies.set("echo", Mode.CUT)
        with pytest.raises(ConnectionError):
            ask(one, b"again")
            ask(one, b"again")
    with pytest.raises(ConnectionError), connect(proxies) as one:
        assert ask(one, b"hello") == b"hello"
    assert proxies.links["echo"].hits == 2
    proxies.pass_all()
    with connect(proxies) as one:
        assert ask(one, b"hello") == b"hello"


def test_a_slow_link_delays_each_way(proxies: Proxies) -> None:
    proxies.set("echo", Mode.SLOW)
    began = time.monotonic()
    with connect(proxies) as one:
        assert ask(one, b"hello") == b"hello"
    assert time.monotonic() - began >= 2 * proxies.links["echo"].delay_s
    assert proxies.links["echo"].hits == 2


def test_a_half_closed_link_loses_answers_and_is_never_whole_again(proxies: Proxies) -> None:
    with connect(proxies) as one:
        assert ask(one, b"hello") == b"hello"
        proxies.set("echo", Mode.HALF)
        one.sendall(b"lost")
        one.settimeout(0.3)
        with pytest.raises(TimeoutError):
            one.recv(10)
        proxies.pass_all()
        one.settimeout(5)
        with pytest.raises(ConnectionError):
            ask(one, b"again")
            ask(one, b"again")
    assert proxies.links["echo"].hits == 1


def test_a_faulty_link_refuses_requests_and_breaks_off_answers(proxies: Proxies) -> None:
    proxies.links["echo"].dice = random.Random(1)
    proxies.set("echo", Mode.FAULTY)
    request, seen = b"GET / HTTP/1.1\r\n\r\n", set[str]()
    for _ in range(200):
        with connect(proxies) as one:
            answer = ask(one, request)
        refused = answer.startswith(b"HTTP/1.1 503")
        seen.add("refused" if refused else "whole" if answer == request else "broken off")
    assert seen == {"refused", "whole", "broken off"}
    assert 20 < proxies.links["echo"].hits < 120
