"""Notifications reach public addresses only: nobody inside sees so much as a packet."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from pathlib import Path
from socket import socket

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from control.notifications.courier import Courier, Message, Service
from control.notifications.guard import AddressGuard, AddressRefused, parse_networks
from control.notifications.webhook import Hook, WebhookSender

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255"),
        *("192.168.1.1", "169.254.169.254", "169.254.1.1", "100.64.0.1", "100.100.100.200"),
        *("224.0.0.1", "239.255.255.255", "255.255.255.255", "240.0.0.1", "192.0.0.1"),
        *("198.18.0.1", "192.0.2.1", "168.63.129.16"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "fec0::1"),
        # Forms that only the operating system reads.
        *("localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", ""),
    ],
)
def test_addresses_that_must_not_be_reached(address: str) -> None:
    guard = AddressGuard()
    assert guard.problem(address) is not None
    with pytest.raises(AddressRefused, match="ALLOWED_NETWORKS"):
        guard.require(address, "host")


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert AddressGuard().problem(address) is None


def test_allowed_networks_may_be_reached_and_only_those() -> None:
    guard = AddressGuard(parse_networks("10.0.0.0/8, fd00::/8"))
    assert guard.problem("10.1.2.3") is None
    assert guard.problem("::ffff:10.1.2.3") is None
    assert guard.problem("fd00::1") is None
    assert guard.problem("127.0.0.1") == "this machine itself"


class Listener:
    """A server on loopback that counts connections, and answers HTTP."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[str] = []
        self.hosts: list[str] = []
        self.redirect: str | None = None

    @contextlib.asynccontextmanager
    async def listening(self, host: str = "127.0.0.1") -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, host, 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head.splitlines()[0])
            self.hosts += [
                line.split(" ", 1)[1]
                for line in head.splitlines()
                if line.lower().startswith("host:")
            ]
            status = f"302 Found\r\nLocation: {self.redirect}" if self.redirect else "200 OK"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()


def hook(url: str) -> Hook:
    return Hook(url, b"{}", {})


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127.0.0.1.", "LOCALHOST"),
    ],
)
async def test_a_webhook_does_not_reach_this_machine(host: str) -> None:
    listener = Listener()
    async with listener.listening() as port:
        outcome = await WebhookSender(AddressGuard()).post(hook(f"http://{host}:{port}/"))
    assert not outcome.ok
    assert outcome.status is None
    assert listener.connections == 0


async def test_the_refusal_says_what_to_do() -> None:
    outcome = await WebhookSender(AddressGuard()).post(hook("http://localhost:1/"))
    assert outcome.final
    assert "'localhost' leads to" in outcome.error
    assert "OPENLAKE_NOTIFICATIONS__ALLOWED_NETWORKS" in outcome.error


async def test_a_name_with_one_bad_address_is_refused_as_a_whole() -> None:
    async def mixed(host: str, port: int) -> Sequence[str]:
        return ["8.8.8.8", "127.0.0.1"]

    listener = Listener()
    async with listener.listening() as port:
        outcome = await WebhookSender(AddressGuard(), mixed).post(hook(f"http://mixed.test:{port}"))
    assert outcome.final and listener.connections == 0


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    """A resolver that gives another answer the second time gains nothing."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    checked, other = Listener(), Listener()
    sender = WebhookSender(AddressGuard([ip_network("127.0.0.1/32")]), rebinding)
    async with checked.listening() as port:
        server = await asyncio.start_server(other._serve, "127.0.0.2", port)
        async with server:
            outcome = await sender.post(hook(f"http://rebind.test:{port}/in?x=1"))
            again = await sender.post(hook(f"http://rebind.test:{port}/in"))
    assert outcome.ok and asked == ["rebind.test", "rebind.test"]
    assert checked.requests == ["POST /in?x=1 HTTP/1.1"]
    assert checked.hosts == [f"rebind.test:{port}"]
    assert again.final and other.connections == 0


def certificate(folder: Path, *names: str) -> Path:
    """Make a certificate for hosts, signed by itself; return the file with it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = Encoding.PEM
    file = folder / f"{names[0]}.pem"
    file.write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, PrivateFormat.PKCS8, NoEncryption())
    )
    return file


@pytest.mark.parametrize(("asked", "arrives"), [("hooks.test", True), ("other.test", False)])
async def test_the_certificate_must_be_of_the_name_though_the_address_is_pinned(
    asked: str, arrives: bool, tmp_path: Path
) -> None:
    async def here(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    file = certificate(tmp_path, "hooks.test")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    listener = Listener()
    server = await asyncio.start_server(listener._serve, "127.0.0.1", 0, ssl=serving)
    async with server:
        port = server.sockets[0].getsockname()[1]
        tls = ssl.create_default_context(cafile=str(file))
        outcome = await WebhookSender(AddressGuard(LOOPBACK), here, tls=tls).post(
            hook(f"https://{asked}:{port}/in")
        )
    assert outcome.ok is arrives, outcome.error
    assert bool(listener.requests) is arrives
    assert arrives or "certificate" in outcome.error.lower()


async def test_redirects_are_not_followed() -> None:
    inside, outside = Listener(), Listener()
    async with inside.listening() as secret, outside.listening() as port:
        outside.redirect = f"http://127.0.0.1:{secret}/"
        sender = WebhookSender(AddressGuard(LOOPBACK))
        outcome = await sender.post(hook(f"http://127.0.0.1:{port}/"))
    assert (outcome.ok, outcome.status, outcome.final) == (False, 302, True)
    assert inside.connections == 0


async def test_an_answer_that_never_ends_is_cut_off() -> None:
    sent, over = 0, asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 4096)
                await writer.drain()
                sent += 4096
        writer.close()
        over.set()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        outcome = await WebhookSender(AddressGuard(LOOPBACK)).post(hook(f"http://127.0.0.1:{port}"))
        await over.wait()
    assert outcome.status == 500
    assert len(outcome.error) < 400
    assert sent < 50_000_000


async def test_a_server_that_says_nothing_is_given_up() -> None:
    over = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        over.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        sender = WebhookSender(AddressGuard(LOOPBACK), timeout_s=0.2)
        outcome = await sender.post(hook(f"http://127.0.0.1:{port}"))
        await over.wait()
    assert outcome.error == "no answer within 0.2 seconds"
    assert not outcome.final


# Apprise makes connections of its own, in a program of its own. -----------------------------------

MESSAGE = Message("Title", "Body", "failure")


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[Listener, int]]:
    """A listener that outlives single tests, beside the event loop."""
    seen = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            seen.requests.append(self.path)
            if seen.redirect:
                self.send_response(302)
                self.send_header("Location", seen.redirect)
            else:
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Counting(HTTPServer):
        def get_request(self) -> tuple[socket, str]:
            seen.connections += 1
            return super().get_request()

    server = Counting(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield seen, server.server_address[1]
    server.shutdown()
    server.server_close()


async def test_apprise_does_not_reach_this_machine(listener: tuple[Listener, int]) -> None:
    seen, port = listener
    courier = Courier()
    targets = [
        f"json://127.0.0.1:{port}/",
        f"json://localhost:{port}/",
        f"json://2130706433:{port}/",
        f"xml://0177.0.0.1:{port}/",
        f"form://[::ffff:127.0.0.1]:{port}/",
        f"ntfy://127.0.0.1:{port}/topic",
        f"gotify://127.0.0.1:{port}/token12345",
        f"mqtt://127.0.0.1:{port}/topic",
        f"rsyslog://127.0.0.1:{port}/",
        f"mailto://127.0.0.1:{port}/?to=a@x.org&from=b@x.org",
    ]
    try:
        outcomes = [await courier.send(Service(target), MESSAGE) for target in targets]
    finally:
        await courier.close()
    assert not any(outcome.ok for outcome in outcomes)
    assert seen.connections == 0
    # Those whose library is there got as far as the connect, and were told.
    refused = [each for each in outcomes if each.final]
    assert len(refused) >= 7
    assert all("this machine itself" in each.error for each in refused)


async def test_apprise_reaches_what_is_allowed_and_follows_no_redirect(
    listener: tuple[Listener, int],
) -> None:
    seen, port = listener
    courier = Courier(LOOPBACK)
    try:
        outcome = await courier.send(Service(f"json://127.0.0.1:{port}/in"), MESSAGE)
        assert outcome.ok, outcome.error
        assert seen.requests == ["/in"]
        seen.redirect = f"http://127.0.0.1:{port}/elsewhere"
        outcome = await courier.send(Service(f"json://127.0.0.1:{port}/in"), MESSAGE)
    finally:
        seen.redirect = None
        await courier.close()
    assert not outcome.ok
    assert seen.requests == ["/in", "/in"]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("syslog://", "may not write to the log"),
        ("gnome://", ""),
        ("dbus://", ""),
        ("nonsense", ""),
    ],
)
async def test_apprise_does_nothing_on_this_machine(target: str, problem: str) -> None:
    courier = Courier()
    try:
        outcome = await courier.send(Service(target), MESSAGE)
    finally:
        await courier.close()
    assert not outcome.ok
    assert outcome.error and problem in outcome.error


async def test_the_program_is_started_again_after_it_died() -> None:
    courier = Courier()
    try:
        assert (await courier.check(Service("json://example.org"))).ok
        program = courier._program
        assert program is not None
        program._process.kill()
        await program._reader
        assert (await courier.check(Service("json://example.org"))).ok
        assert courier._program is not program
    finally:
        await courier.close()


async def test_the_program_leaves_when_it_is_not_needed() -> None:
    courier = Courier(idle_s=0.01)
    assert (await courier.check(Service("json://example.org"))).ok
    program = courier._program
    assert program is not None
    assert await asyncio.wait_for(program._process.wait(), 20) == 0
    await program._reader
    await courier.close()


async def test_secrets_do_not_come_back_in_errors() -> None:
    courier = Courier()
    url = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    try:
        outcome = await courier.send(Service(url, ("slack",), url.split("/")), MESSAGE)  # pyright: ignore[reportArgumentType]
    finally:
        await courier.close()
    assert not outcome.ok
    assert "Slack" in outcome.error and "TIiajkdnlazkcOXrIdevi7FQ" not in outcome.error
