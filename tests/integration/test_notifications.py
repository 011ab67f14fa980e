"""A job's webhook hears of a real run, from start to end, though the worker dies meanwhile."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import (
    JobEmailNotifications,
    JobEnvironment,
    JobsHealthMetric,
    JobsHealthOperator,
    JobsHealthRule,
    JobsHealthRules,
    SparkPythonTask,
    Task,
    Webhook,
    WebhookNotifications,
)
from databricks.sdk.service.settings import Config, GenericWebhookConfig
from databricks.sdk.service.workspace import ImportFormat

from tests.integration.stack import Stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

SLOW_THEN_FAILS = "import time; time.sleep(8); raise ValueError('no rows')"


@dataclass
class Ear:
    """Hears webhooks; refuses the first ones."""

    refusals: int = 0
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    @property
    def events(self) -> list[str]:
        """What was told, without repetitions."""
        by_id = {headers["X-OpenLake-Delivery"]: json.loads(body) for headers, body in self.heard}
        return sorted(body["event_type"] for body in by_id.values())


@pytest.fixture
def ear() -> Iterator[Ear]:
    """A receiver on loopback."""
    ear = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            refuses, ear.refusals = ear.refusals > 0, ear.refusals - 1
            if not refuses:
                ear.heard.append((dict(self.headers.items()), body))
            self.send_response(500 if refuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    ear.url = f"http://127.0.0.1:{server.server_port}/in"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield ear
    server.shutdown()
    server.server_close()


def make_job(client: WorkspaceClient, webhook: str) -> int:
    client.workspace.mkdirs("/Shared/notifications")
    client.workspace.import_(
        "/Shared/notifications/fail.py",
        content=base64.b64encode(SLOW_THEN_FAILS.encode()).decode(),
        format=ImportFormat.RAW,
        overwrite=True,
    )
    hooks = [Webhook(webhook)]
    made = client.jobs.create(
        name="told",
        tasks=[
            Task(
                task_key="fail",
                environment_key="py",
                spark_python_task=SparkPythonTask(python_file="/Shared/notifications/fail.py"),
            )
        ],
        environments=[
            JobEnvironment(environment_key="py", spec=Environment(environment_version="2"))
        ],
        webhook_notifications=WebhookNotifications(
            on_start=hooks,
            on_failure=hooks,
            on_success=hooks,
            on_duration_warning_threshold_exceeded=hooks,
        ),
        email_notifications=JobEmailNotifications(on_failure=["a@example.org"]),
        health=JobsHealthRules(
            [
                JobsHealthRule(
                    JobsHealthMetric.RUN_DURATION_SECONDS, JobsHealthOperator.GREATER_THAN, 2
                )
            ]
        ),
    )
    assert made.job_id is not None
    return made.job_id


def test_a_webhook_hears_of_a_run_from_start_to_end(stack: Stack, ear: Ear) -> None:
    ear.refusals = 1
    client = stack.client()
    hook = client.notification_destinations.create(
        display_name="ear", config=Config(generic_webhook=GenericWebhookConfig(url=ear.url))
    )
    assert hook.id is not None
    words = ("notifications", "test", hook.id, "--output", "json")
    assert json.loads(stack.command(*words, check=False))["state"] == "PENDING"
    secret = stack.json("notifications", "signing-secret", hook.id)["signing_secret"]
    run_id = client.jobs.run_now(make_job(client, hook.id)).run_id
    early = {"jobs.on_start", "jobs.on_duration_warning_threshold_exceeded"}
    wait_for(lambda: early <= set(ear.events), 60, "the start and the warning to be told")
    # What happens next is noted, and told, by the one who comes after.
    stack.kill("control-worker")
    stack.up()
    expected = sorted({*early, "jobs.on_failure", "jobs.test"})
    wait_for(lambda: ear.events == expected, 120, f"{expected} to be told")
    for headers, body in ear.heard[1:]:
        if json.loads(body)["event_type"] == "jobs.test":
            continue
        assert json.loads(body)["run"] == {"run_id": run_id}
        fields = dict(part.split("=", 1) for part in headers["X-OpenLake-Signature"].split(","))
        signed = fields["t"].encode() + b"." + body
        assert hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() == fields["v1"]
    log: list[dict[str, Any]] = stack.json("notifications", "deliveries", "--run-id", str(run_id))
    by_channel = {(row["channel"], row["event"]): row for row in log}
    mail = by_channel.pop(("email", "on_failure"))
    assert mail["state"] == "FAILED" and "no mail server is configured" in mail["last_error"]
    assert sorted(event for _, event in by_channel) == sorted({row["event"] for row in log})
