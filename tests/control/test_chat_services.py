"""What Slack, Teams and PagerDuty are really sent: Apprise against their stand-in, over TLS."""

import json
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from control.notifications.apprise_program import answer, listen
from control.notifications.services import chat_service
from spec.api.notifications import DestinationType
from tests.control.test_notice_guard import certificate

# Apprise looks for a module of older Pythons.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")

NAMES = ("hooks.slack.com", "slack.com", "prod-1.logic.azure.com", "events.pagerduty.com")


@dataclass
class StandIn:
    """All those services at once."""

    requests: list[tuple[str, str, str, Any]] = field(default_factory=list)
    """Host, path, Authorization, body."""
    status: int = 200


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A server that the names of the services lead to."""
    seen = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            host, token = self.headers["host"], self.headers.get("authorization", "")
            seen.requests.append((host, self.path, token, body))
            said = b'{"ok": true}' if host == "slack.com" else b"ok"
            self.send_response(202 if "pagerduty" in host and seen.status == 200 else seen.status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            pass

    file = certificate(tmp_path, *NAMES)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    real, port = socket.getaddrinfo, server.server_port

    def here(host: str, asked: int, *args: Any, **kwargs: Any) -> Any:
        place = ("127.0.0.1", port) if host in NAMES else (host, asked)
        return real(*place, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield seen
    server.shutdown()
    server.server_close()


def send(kind: DestinationType, **config: str) -> dict[str, Any]:
    service = chat_service(kind, config)
    return answer(
        {
            "id": 1,
            "verb": "send",
            "service": service.target,
            "schemas": service.schemas,
            "secrets": service.secrets,
            "title": "flights failed",
            "body": "Task clean failed.\nAt 2026-01-01 00:00:00 UTC",
            "type": "failure",
        }
    )


def test_slack_by_its_incoming_webhook(stand_in: StandIn) -> None:
    path = "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    said = send(DestinationType.SLACK, url=f"https://hooks.slack.com{path}")
    assert said["ok"], said
    [(host, asked, _, body)] = stand_in.requests
    assert (host, asked) == ("hooks.slack.com", path)
    assert "flights failed" in str(body) and "Task clean failed." in str(body)


def test_slack_by_a_bots_token(stand_in: StandIn) -> None:
    token = "xoxb-1234567890-1234567890-abcdefghijklmnopqrstuvwx"
    said = send(DestinationType.SLACK, oauth_token=token, channel_id="C0123456789")
    assert said["ok"], said
    host, asked, authorization, body = stand_in.requests[-1]
    assert (host, asked) == ("slack.com", "/api/chat.postMessage")
    assert authorization == f"Bearer {token}"
    assert body["channel"] == "C0123456789" or body["channel"] == "#C0123456789"


def test_teams_by_its_workflow(stand_in: StandIn) -> None:
    url = (
        "https://prod-1.logic.azure.com/workflows/643e69f83c8944/triggers/manual/paths/invoke"
        "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=KODuebWbDGYFr0z0eu"
    )
    said = send(DestinationType.MICROSOFT_TEAMS, url=url)
    assert said["ok"], said
    [(host, asked, _, body)] = stand_in.requests
    assert host.startswith("prod-1.logic.azure.com")
    assert asked.startswith("/workflows/643e69f83c8944/triggers/manual/paths/invoke?")
    assert "sig=KODuebWbDGYFr0z0eu" in asked
    assert "flights failed" in str(body)


def test_pagerduty_by_its_integration_key(stand_in: StandIn) -> None:
    key = "0123456789abcdef0123456789abcdef"
    said = send(DestinationType.PAGERDUTY, integration_key=key)
    assert said["ok"], said
    [(host, asked, _, body)] = stand_in.requests
    assert (host, asked) == ("events.pagerduty.com", "/v2/enqueue")
    assert (body["routing_key"], body["event_action"]) == (key, "trigger")
    assert body["payload"]["severity"] == "critical"
    assert "flights failed" in body["payload"]["summary"]


def test_a_refusal_is_told_without_the_secret(stand_in: StandIn) -> None:
    stand_in.status = 403
    listener = listen()
    path = "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    said = send(DestinationType.SLACK, url=f"https://hooks.slack.com{path}")
    logging.getLogger("apprise").removeHandler(listener)
    assert not said["ok"] and not said["final"]
    assert "403" in said["error"]
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in said["error"]
