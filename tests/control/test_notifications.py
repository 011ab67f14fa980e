"""Destinations, the outbox of notifications and their delivery, with real servers on loopback."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service import settings
from sqlmodel import col, select, update
from typer.testing import CliRunner

from control.cli import app, notifications
from control.cli.client import Api
from control.config import Notifications
from control.db import Database
from control.deps import Deps
from control.notifications.deliver import (
    LEASE,
    LONGEST_PAUSE_S,
    Deliverer,
    pause_after,
)
from control.notifications.tables import Delivery, DeliveryTry, DestinationRow
from control.notifications.webhook import sign
from control.projection import Projector
from spec.attempts import AttemptResult
from spec.events import DurationWarned, RunStarted
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, python_task, run_now
from tests.control.receivers import Receiver, mail_server, receiving
from tests.control.serving import serving
from tests.control.test_projection import T0, Play

DESTINATIONS = "/api/2.0/notification-destinations"
DELIVERIES = "/api/openlake/1.0/deliveries"
LOCAL = Notifications(allowed_networks="127.0.0.0/8")


@pytest.fixture
async def main_file(database: Database, token: str) -> str:
    return await put_file(database, "/jobs/main.py")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def deliverer(deps: Deps) -> AsyncIterator[Deliverer]:
    deliverer = make_deliverer(deps, LOCAL)
    yield deliverer
    await deliverer.close()


def make_deliverer(deps: Deps, settings: Notifications) -> Deliverer:
    return Deliverer(deps.database, deps.sealer, settings, "http://openlake.test")


async def create(api: httpx2.AsyncClient, name: str = "d", **config: Any) -> str:
    answer = await api.post(DESTINATIONS, json={"display_name": name, "config": config})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def create_webhook(api: httpx2.AsyncClient, url: str, **config: Any) -> str:
    return await create(api, generic_webhook={"url": url, **config})


async def get_deliveries(api: httpx2.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await api.get(DELIVERIES, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["deliveries"]


async def get_delivery(api: httpx2.AsyncClient, delivery_id: int) -> dict[str, Any]:
    answer = await api.get(f"{DELIVERIES}/{delivery_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def make_due(database: Database) -> None:
    """Let the time pass until every pending delivery is due."""
    async with database.session() as session:
        await session.exec(update(Delivery).values(not_before=datetime.now(UTC)))


# Destinations ------------------------------------------------------------------------------------

SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
TEAMS = (
    "https://prod-12.westus.logic.azure.com:443/workflows/643e69f83c8944/triggers/manual/paths/"
    "invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=KODuebWbDGYFr0z0eu"
)


KINDS: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    (
        {"generic_webhook": {"url": "https://x.org/in", "username": "user-1", "password": "pass"}},
        "WEBHOOK",
        {"generic_webhook": {"url_set": True, "username_set": True, "password_set": True}},
    ),
    ({"slack": {"url": SLACK}}, "SLACK", {"slack": {"url_set": True}}),
    (
        {
            "slack": {
                "oauth_token": "xoxb-1234567890-1234567890-abcdefghijkl",
                "channel_id": "C0123456789",
            }
        },
        "SLACK",
        {"slack": {"oauth_token_set": True, "channel_id_set": True}},
    ),
    (
        {"microsoft_teams": {"url": TEAMS}},
        "MICROSOFT_TEAMS",
        {"microsoft_teams": {"url_set": True}},
    ),
    (
        {"pagerduty": {"integration_key": "0123456789abcdef0123456789abcdef"}},
        "PAGERDUTY",
        {"pagerduty": {"integration_key_set": True}},
    ),
    (
        {"email": {"addresses": ["a@x.org", "b@x.org"]}},
        "EMAIL",
        {"email": {"addresses": ["a@x.org", "b@x.org"]}},
    ),
    (
        {"apprise": {"url": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"}},
        "APPRISE",
        {"apprise": {"url_set": True}},
    ),
]


async def test_a_destination_says_that_secrets_are_there_and_never_what_they_are(
    api: httpx2.AsyncClient, database: Database
) -> None:
    for config, kind, shown in KINDS:
        made = await api.post(DESTINATIONS, json={"display_name": "d", "config": config})
        assert made.status_code == 200, made.text
        body = made.json()
        assert body == {
            "id": body["id"],
            "display_name": "d",
            "destination_type": kind,
            "config": shown,
        }
        assert (await api.get(f"{DESTINATIONS}/{body['id']}")).json() == body
        async with database.read_session() as session:
            row = await session.get_one(DestinationRow, body["id"])
        audit = (await api.get("/api/openlake/1.0/audit")).text
        for value in next(iter(config.values())).values():
            assert str(value) not in str(row.model_dump())
            assert str(value) not in audit


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "give exactly one of"),
    ({"slack": {"url": SLACK}, "email": {"addresses": ["a@x.org"]}}, "give exactly one of"),
    ({"generic_webhook": {}}, "'url' is missing"),
    ({"generic_webhook": {"url": "ftp://x.org"}}, "must begin with https://"),
    ({"generic_webhook": {"url": "http://[::1"}}, "not an address"),
    ({"generic_webhook": {"url": "https://u:p@x.org"}}, "into 'username' and 'password'"),
    ({"generic_webhook": {"url": "https://x.org", "password": "p"}}, "needs a 'username'"),
    ({"slack": {"url": "https://example.org/hook"}}, "config.slack: this is not an incoming"),
    ({"slack": {"channel_id": "C0123456789"}}, "belong together"),
    ({"microsoft_teams": {"url": SLACK}}, "config.microsoft_teams: this is not the address"),
    ({"microsoft_teams": {"app_id": "x"}}, "app_id: this field is not known to OpenLake"),
    ({"email": {"addresses": []}}, "'addresses' is missing"),
    ({"email": {"addresses": ["nobody"]}}, "config.email.addresses[0]"),
    ({"apprise": {"url": "nonsense"}}, "config.apprise: this is not an Apprise URL"),
    ({"apprise": {"url": "dbus://"}}, "config.apprise: this is not an Apprise URL"),
]


async def test_what_could_not_work_is_refused_at_once(api: httpx2.AsyncClient) -> None:
    for config, problem in REFUSED:
        answer = await api.post(DESTINATIONS, json={"display_name": "d", "config": config})
        body = answer.json()
        assert (answer.status_code, body["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), config
        assert problem in body["message"]


async def test_a_password_does_not_follow_to_a_new_address(
    api: httpx2.AsyncClient, deliverer: Deliverer, receiver: Receiver
) -> None:
    async with receiving() as other:
        webhook = await create_webhook(api, receiver.url, username="u", password="secret")
        place = f"{DESTINATIONS}/{webhook}"
        renamed = await api.patch(place, json={"display_name": "new"})
        assert renamed.json()["config"] == {
            "generic_webhook": {"url_set": True, "username_set": True, "password_set": True}
        }
        await api.post(f"/api/openlake/1.0/notification-destinations/{webhook}/test")
        await deliverer.deliver_due()
        assert receiver.requests[0].headers["authorization"] == "Basic dTpzZWNyZXQ="
        moved = await api.patch(place, json={"config": {"generic_webhook": {"url": other.url}}})
        assert moved.json()["config"] == {"generic_webhook": {"url_set": True}}
        await api.post(f"/api/openlake/1.0/notification-destinations/{webhook}/test")
        await deliverer.deliver_due()
        assert "authorization" not in other.requests[0].headers
    kept = await api.patch(place, json={"config": {"generic_webhook": {"url_set": True}}})
    assert kept.json() == moved.json()
    other_kind = await api.patch(place, json={"config": {"email": {"addresses": ["a@x.org"]}}})
    assert "the type of a destination cannot change" in other_kind.json()["message"]


async def test_destinations_are_listed_by_pages_and_deleted(api: httpx2.AsyncClient) -> None:
    made = [await create_webhook(api, f"https://x.org/{i}") for i in range(5)]
    listed: list[str] = []
    token: str | None = None
    while True:
        query = {"page_size": 2} | ({"page_token": token} if token else {})
        page = (await api.get(DESTINATIONS, params=query)).json()
        listed += [entry["id"] for entry in page["results"]]
        token = page.get("next_page_token")
        if not token:
            break
    assert listed == made[::-1]
    assert (await api.delete(f"{DESTINATIONS}/{made[0]}")).json() == {}
    gone = await api.get(f"{DESTINATIONS}/{made[0]}")
    assert (gone.status_code, gone.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


async def test_mutations_are_audited(api: httpx2.AsyncClient) -> None:
    webhook = await create_webhook(api, "https://x.org")
    own = f"/api/openlake/1.0/notification-destinations/{webhook}"
    await api.patch(f"{DESTINATIONS}/{webhook}", json={"display_name": "b"})
    await api.post(f"{own}/signing-secret")
    delivery = (await api.post(f"{own}/test")).json()["delivery_id"]
    await api.post(f"{DELIVERIES}/{delivery}/retry")
    await api.delete(f"{DESTINATIONS}/{webhook}")
    entries = (await api.get("/api/openlake/1.0/audit")).json()["entries"]
    assert [entry["action"] for entry in entries][::-1] == [
        "notification_destination.created",
        "notification_destination.updated",
        "notification_destination.signing_secret_renewed",
        "notification_destination.tested",
        "delivery.retried",
        "notification_destination.deleted",
    ]


async def test_the_sdk_makes_reads_changes_lists_and_deletes_destinations(
    deps: Deps, token: str
) -> None:
    def use(url: str) -> None:
        api = WorkspaceClient(host=url, token=token).notification_destinations
        made = api.create(
            display_name="hook",
            config=settings.Config(
                generic_webhook=settings.GenericWebhookConfig(url="https://x.org", username="u")
            ),
        )
        assert made.id is not None
        read = api.get(made.id)
        assert read.destination_type is settings.DestinationType.WEBHOOK
        assert read.config is not None and read.config.generic_webhook is not None
        webhook = read.config.generic_webhook
        assert (webhook.url, webhook.url_set, webhook.username_set) == (None, True, True)
        changed = api.update(made.id, display_name="renamed", config=read.config)
        assert changed.display_name == "renamed"
        mail = api.create(
            display_name="mail",
            config=settings.Config(email=settings.EmailConfig(addresses=["a@x.org"])),
        )
        assert mail.config is not None and mail.config.email is not None
        assert mail.config.email.addresses == ["a@x.org"]
        assert [entry.display_name for entry in api.list(page_size=1)] == ["mail", "renamed"]
        api.delete(made.id)
        with pytest.raises(NotFound):
            api.get(made.id)

    async with serving(deps) as url:
        await asyncio.to_thread(use, url)


async def test_the_command_line_tests_destinations_and_lists_deliveries(
    api: httpx2.AsyncClient,
    deps: Deps,
    deliverer: Deliverer,
    receiver: Receiver,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver.statuses = [200, 500]
    webhook = await create_webhook(api, receiver.url)
    delivering = asyncio.create_task(deliverer.run(deps.hub))

    def use(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["notifications", *words])
        return result.exit_code, result.output

    try:
        async with serving(deps) as url:
            client = Api(url, token)
            monkeypatch.setattr(notifications, "connect", lambda: client)
            listed = await asyncio.to_thread(use, "list", "--output", "json")
            assert [each["id"] for each in json.loads(listed[1])] == [webhook]
            good = await asyncio.to_thread(use, "test", webhook)
            assert good[0] == 0 and "delivered" in good[1]
            bad = await asyncio.to_thread(use, "test", webhook)
            assert bad[0] == 1 and "HTTP 500" in bad[1]
            log = await asyncio.to_thread(use, "deliveries", "--output", "json")
            assert [each["state"] for each in json.loads(log[1])] == ["PENDING", "DELIVERED"]
            secret = await asyncio.to_thread(use, "signing-secret", webhook)
            assert secret[1].startswith("whsec_")
            client._http.close()
    finally:
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)


# Jobs that name destinations ---------------------------------------------------------------------


def hooks(event: str, *destinations: str) -> dict[str, Any]:
    return {"webhook_notifications": {event: [{"id": each} for each in destinations]}}


async def test_a_job_cannot_name_a_destination_that_is_not_there(
    api: httpx2.AsyncClient, main_file: str
) -> None:
    lists = hooks("on_failure", await create_webhook(api, "https://x.org"), "missing")
    job_id = await create_job(api)
    for prefix, fields in (("", lists), ("tasks[0].", {"tasks": [python_task(**lists)]})):
        changed = {"job_id": job_id, "new_settings": fields}
        for path, body in (
            ("create", fields),
            ("reset", changed),
            ("update", changed),
            ("runs/submit", {"tasks": [python_task()], **fields}),
        ):
            answer = await api.post(f"/api/2.2/jobs/{path}", json=body)
            told = answer.json()
            assert (answer.status_code, told["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
            assert told["message"].startswith(
                f"{prefix}webhook_notifications.on_failure[1].id: there is no notification"
                " destination 'missing'"
            )


async def test_a_job_reads_back_whom_it_tells(api: httpx2.AsyncClient) -> None:
    webhook = await create_webhook(api, "https://x.org")
    told: dict[str, Any] = {
        "email_notifications": {"on_failure": ["a@x.org"], "no_alert_for_skipped_runs": True},
        **hooks("on_start", webhook),
        "notification_settings": {
            "no_alert_for_skipped_runs": True,
            "no_alert_for_canceled_runs": False,
            "alert_on_last_attempt": False,
        },
    }
    job_id = await create_job(api, **told, tasks=[python_task(**told), python_task("quiet")])
    settings = (await api.get("/api/2.2/jobs/get", params={"job_id": job_id})).json()["settings"]
    assert {name: settings[name] for name in told} == told
    assert {name: settings["tasks"][0][name] for name in told} == told
    assert settings["tasks"][1]["email_notifications"] == {}
    answer = await api.post(
        "/api/2.2/jobs/reset", json={"job_id": job_id, "new_settings": settings}
    )
    assert answer.status_code == 200, answer.text


# What runs tell ----------------------------------------------------------------------------------


async def test_a_run_tells_of_its_life_once_however_often_it_is_projected(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, deps: Deps
) -> None:
    webhook = await create_webhook(api, "https://x.org")
    everything: dict[str, Any] = {
        "webhook_notifications": {
            event: [{"id": webhook}]
            for event in (
                "on_start",
                "on_success",
                "on_failure",
                "on_duration_warning_threshold_exceeded",
            )
        }
    }
    task = python_task("a", max_retries=1, **everything)
    run_id = await run_now(api, await create_job(api, tasks=[task], **everything))
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    play.record(DurationWarned(at=T0, seconds=7))
    play.end("a", AttemptResult.FAILED)
    play.end("a", AttemptResult.SUCCESS)
    projector = Projector(deps.database, deps.metrics)
    for i in range(len(play.recorded)):
        await projector.project(play.batch(i, i + 1))
    await projector.project(play.batch())
    rows = (await get_deliveries(api, run_id=run_id))[::-1]
    assert [
        (row["event"], row["task_run_id"] - (run_id if row["task_run_id"] else 0)) for row in rows
    ] == [
        ("on_start", 0),
        ("on_start", 1),
        ("on_duration_warning_threshold_exceeded", 0),
        ("on_failure", 1),
        ("on_start", 2),
        ("on_success", 2),
        ("on_success", 0),
    ]
    assert {row["state"] for row in rows} == {"PENDING"}
    assert await get_deliveries(api, run_id=1) == []


async def test_alert_on_last_attempt_waits_for_it(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, deps: Deps
) -> None:
    webhook = await create_webhook(api, "https://x.org")
    lists = {
        "webhook_notifications": {"on_start": [{"id": webhook}], "on_failure": [{"id": webhook}]},
        "notification_settings": {"alert_on_last_attempt": True},
    }
    run_id = await run_now(
        api, await create_job(api, tasks=[python_task("a", max_retries=1, **lists)])
    )
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    play.end("a", AttemptResult.FAILED)
    play.end("a", AttemptResult.FAILED)
    await Projector(deps.database, deps.metrics).project(play.batch())
    rows = (await get_deliveries(api))[::-1]
    assert [(row["event"], row["task_run_id"] - run_id) for row in rows] == [
        ("on_start", 1),
        ("on_failure", 2),
    ]


async def test_tasks_that_did_not_run_tell_so_unless_muted(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, deps: Deps
) -> None:
    webhook = await create_webhook(api, "https://x.org")
    lists = hooks("on_failure", webhook)
    muted = {"notification_settings": {"no_alert_for_skipped_runs": True}}
    tasks = [
        python_task("a"),
        python_task("b", "a", **lists),
        python_task("c", "a", **lists, **muted),
    ]
    run_id = await run_now(api, await create_job(api, tasks=tasks))
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    play.end("a", AttemptResult.FAILED)
    await Projector(deps.database, deps.metrics).project(play.batch())
    (row,) = await get_deliveries(api)
    async with deps.database.read_session() as session:
        facts = (await session.exec(select(Delivery.facts))).one()
    assert (row["event"], facts["task_key"], facts["result"]) == (
        "on_failure",
        "b",
        "UPSTREAM_FAILED",
    )


@pytest.mark.parametrize("muted", [False, True])
async def test_runs_that_never_started_tell_so_unless_muted(
    api: httpx2.AsyncClient, main_file: str, muted: bool
) -> None:
    webhook = await create_webhook(api, "https://x.org")
    settings = {
        **hooks("on_failure", webhook),
        "notification_settings": {
            "no_alert_for_skipped_runs": muted,
            "no_alert_for_canceled_runs": muted,
        },
    }
    skipping = await create_job(api, **settings, queue={"enabled": False})
    queueing = await create_job(api, **settings)
    for job_id in (skipping, queueing):
        await run_now(api, job_id)
    skipped = await run_now(api, skipping)
    queued = await run_now(api, queueing)
    await api.post("/api/2.2/jobs/runs/cancel", json={"run_id": queued})
    told = {row["run_id"] for row in await get_deliveries(api)}
    assert told == (set() if muted else {skipped, queued})


async def test_nothing_is_told_of_what_was_rolled_back(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, deps: Deps
) -> None:
    webhook = await create_webhook(api, "https://x.org")
    run_id = await run_now(api, await create_job(api, **hooks("on_start", webhook)))
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    from control.projection import write

    with pytest.raises(RuntimeError):
        async with deps.database.session() as session:
            await write(session, play.batch())
            raise RuntimeError
    assert await get_deliveries(api) == []


# Delivery ----------------------------------------------------------------------------------------


async def note_failure(
    api: httpx2.AsyncClient, launcher: Recorder, deps: Deps, **settings: Any
) -> int:
    """Make a job's run fail; return the run."""
    run_id = await run_now(api, await create_job(api, name="flights", **settings))
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    play.end("a", AttemptResult.FAILED)
    await Projector(deps.database, deps.metrics).project(play.batch())
    return run_id


async def test_a_webhook_carries_databricks_fields_and_a_signature(
    api: httpx2.AsyncClient,
    main_file: str,
    launcher: Recorder,
    deps: Deps,
    deliverer: Deliverer,
    receiver: Receiver,
) -> None:
    webhook = await create_webhook(api, receiver.url)
    own = f"/api/openlake/1.0/notification-destinations/{webhook}/signing-secret"
    secret = (await api.post(own)).json()["signing_secret"]
    run_id = await note_failure(
        api,
        launcher,
        deps,
        **hooks("on_failure", webhook),
        tasks=[python_task("a", **hooks("on_failure", webhook))],
    )
    assert await deliverer.deliver_due() == 2
    of_run, of_task = sorted(receiver.requests, key=lambda request: "task" in request.json)
    body = of_run.json
    job = body["job"]
    assert {name: body[name] for name in ("event_type", "workspace_id", "run", "job")} == {
        "event_type": "jobs.on_failure",
        "workspace_id": 1,
        "run": {"run_id": run_id},
        "job": {"job_id": job["job_id"], "name": "flights"},
    }
    assert body["openlake"]["result"] == "FAILED"
    assert body["openlake"]["run_page_url"].startswith("http://openlake.test/jobs/")
    assert of_task.json["task"] == {"task_key": "a"}
    assert of_task.json["openlake"]["task_run_id"] == run_id + 1
    for request in (of_run, of_task):
        fields = dict(x.split("=", 1) for x in request.headers["x-openlake-signature"].split(","))
        signed = fields["t"].encode() + b"." + request.body
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(expected, fields["v1"])
        assert abs(time.time() - int(fields["t"])) < 60
        assert request.headers["x-openlake-delivery"] == str(
            request.json["openlake"]["delivery_id"]
        )
    assert {row["state"] for row in await get_deliveries(api)} == {"DELIVERED"}
    again = (await api.post(own)).json()["signing_secret"]
    assert again != secret


async def test_a_failed_delivery_is_tried_again_and_every_try_is_in_the_log(
    api: httpx2.AsyncClient,
    main_file: str,
    launcher: Recorder,
    deps: Deps,
    deliverer: Deliverer,
    receiver: Receiver,
) -> None:
    receiver.statuses = [500, 503]
    webhook = await create_webhook(api, receiver.url)
    await note_failure(api, launcher, deps, **hooks("on_failure", webhook))
    for _ in range(3):
        assert await deliverer.deliver_due() == 1
        assert await deliverer.deliver_due() == 0
        await make_due(deps.database)
    assert await deliverer.deliver_due() == 0
    (row,) = await get_deliveries(api, state="DELIVERED")
    shown = await get_delivery(api, row["delivery_id"])
    assert (shown["tries"], shown["last_error"]) == (3, "")
    assert [each.get("status") for each in shown["log"]] == [500, 503, 200]
    assert [each["error"] for each in shown["log"]] == ["HTTP 500: said", "HTTP 503: said", ""]
    assert all(each["duration_ms"] >= 0 for each in shown["log"])
    assert len({request.headers["x-openlake-delivery"] for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1


async def test_after_a_crash_between_send_and_record_it_is_sent_again_under_the_same_id(
    api: httpx2.AsyncClient,
    main_file: str,
    launcher: Recorder,
    deps: Deps,
    deliverer: Deliverer,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    webhook = await create_webhook(api, receiver.url)
    await note_failure(api, launcher, deps, **hooks("on_failure", webhook))
    dying = make_deliverer(deps, LOCAL)

    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(dying, "_record", die)
    with pytest.raises(asyncio.CancelledError):
        await dying.deliver_due()
    assert len(receiver.requests) == 1
    # Its lease holds the others off for a while.
    assert await deliverer.deliver_due() == 0
    async with deps.database.session() as session:
        await session.exec(update(Delivery).values(not_before=Delivery.not_before - LEASE))
    assert await deliverer.deliver_due() == 1
    first, second = (request.headers["x-openlake-delivery"] for request in receiver.requests)
    assert first == second
    shown = await get_delivery(api, int(first))
    assert shown["state"] == "DELIVERED"
    assert [each.get("duration_ms") is None for each in shown["log"]] == [True, False]


async def test_two_deliverers_do_not_send_the_same_twice(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, deps: Deps, receiver: Receiver
) -> None:
    webhooks = [await create_webhook(api, receiver.url) for _ in range(3)]
    for _ in range(4):
        await note_failure(api, launcher, deps, **hooks("on_failure", *webhooks))
    both = [make_deliverer(deps, LOCAL) for _ in range(2)]
    counts = await asyncio.gather(*(each.deliver_due() for each in both for _ in range(3)))
    assert sum(counts) == 12
    assert len({request.headers["x-openlake-delivery"] for request in receiver.requests}) == 12
    assert len(receiver.requests) == 12


async def test_deliveries_go_out_by_themselves(
    api: httpx2.AsyncClient,
    main_file: str,
    launcher: Recorder,
    deps: Deps,
    deliverer: Deliverer,
    receiver: Receiver,
) -> None:
    webhook = await create_webhook(api, receiver.url)
    running = asyncio.create_task(deliverer.run(deps.hub, interval_s=30))
    try:
        await note_failure(api, launcher, deps, **hooks("on_failure", webhook))
        async with asyncio.timeout(20):
            while not await get_deliveries(api, state="DELIVERED"):
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert len(receiver.requests) == 1


async def test_only_what_may_still_work_is_tried_again(
    api: httpx2.AsyncClient, deliverer: Deliverer, receiver: Receiver
) -> None:
    webhook = await create_webhook(api, receiver.url)
    for status, state in ((410, "FAILED"), (302, "FAILED"), (404, "PENDING"), (429, "PENDING")):
        receiver.statuses = [status]
        await api.post(f"/api/openlake/1.0/notification-destinations/{webhook}/test")
        await deliverer.deliver_due()
        row = (await get_deliveries(api))[0]
        assert (row["state"], row["tries"]) == (state, 1)
        assert row["last_error"].startswith(f"HTTP {status}")


async def test_after_a_day_it_is_given_up_and_a_person_may_ask_again(
    api: httpx2.AsyncClient, deps: Deps, deliverer: Deliverer, receiver: Receiver
) -> None:
    receiver.statuses = [500]
    webhook = await create_webhook(api, receiver.url)
    made = (await api.post(f"/api/openlake/1.0/notification-destinations/{webhook}/test")).json()
    day = timedelta(days=1)
    async with deps.database.session() as session:
        await session.exec(update(Delivery).values(give_up_at=Delivery.give_up_at - day))
    await deliverer.deliver_due()
    (row,) = await get_deliveries(api, state="FAILED")
    assert "ended_at" in row
    again = (await api.post(f"{DELIVERIES}/{made['delivery_id']}/retry")).json()
    assert (again["state"], again["tries"]) == ("PENDING", 0)
    assert "ended_at" not in again
    await deliverer.deliver_due()
    shown = await get_delivery(api, made["delivery_id"])
    assert shown["state"] == "DELIVERED"
    assert [each["status"] for each in shown["log"]] == [500, 200]


async def test_a_private_target_is_refused_when_it_is_connected_to(
    api: httpx2.AsyncClient, deps: Deps, receiver: Receiver
) -> None:
    webhook = await create_webhook(api, receiver.url)
    await api.post(f"/api/openlake/1.0/notification-destinations/{webhook}/test")
    deliverer = make_deliverer(deps, Notifications())
    await deliverer.deliver_due()
    (row,) = await get_deliveries(api)
    assert row["state"] == "FAILED"
    assert "must not be reached" in row["last_error"]
    assert receiver.requests == []


async def test_what_was_meant_for_a_deleted_destination_fails_clearly(
    api: httpx2.AsyncClient, deliverer: Deliverer, receiver: Receiver
) -> None:
    webhook = await create_webhook(api, receiver.url)
    await api.post(f"/api/openlake/1.0/notification-destinations/{webhook}/test")
    await api.delete(f"{DESTINATIONS}/{webhook}")
    await deliverer.deliver_due()
    (row,) = await get_deliveries(api)
    assert row["state"] == "FAILED"
    assert row["last_error"] == f"Notification destination {webhook} does not exist."


async def test_any_apprise_service_is_reached(
    api: httpx2.AsyncClient, deliverer: Deliverer, receiver: Receiver
) -> None:
    target = receiver.url.replace("http://", "json://")
    service = await create(api, apprise={"url": target})
    await api.post(f"/api/openlake/1.0/notification-destinations/{service}/test")
    await deliverer.deliver_due()
    (row,) = await get_deliveries(api)
    assert row["state"] == "DELIVERED", row
    assert receiver.requests[0].json["title"] == "OpenLake can reach you"


async def test_deliveries_are_listed_by_pages(api: httpx2.AsyncClient, database: Database) -> None:
    webhook = await create_webhook(api, "https://x.org")
    for _ in range(5):
        await api.post(f"/api/openlake/1.0/notification-destinations/{webhook}/test")
    first = (await api.get(DELIVERIES, params={"limit": 3})).json()
    rest = (
        await api.get(DELIVERIES, params={"limit": 3, "page_token": first["next_page_token"]})
    ).json()
    found = [row["delivery_id"] for row in (*first["deliveries"], *rest["deliveries"])]
    assert found == sorted(found, reverse=True) and len(found) == 5
    assert "next_page_token" not in rest
    assert (await api.get(f"{DELIVERIES}/999999")).status_code == 404


async def test_nobody_sees_another_workspace(api: httpx2.AsyncClient, database: Database) -> None:
    webhook = await create_webhook(api, "https://x.org")
    own = f"/api/openlake/1.0/notification-destinations/{webhook}"
    delivery = (await api.post(f"{own}/test")).json()["delivery_id"]
    async with database.session() as session:
        from control.workspaces.tables import Workspace

        session.add(Workspace(workspace_id=2, name="other"))
        await session.flush()
        await session.exec(update(DestinationRow).values(workspace_id=2))
        await session.exec(update(Delivery).values(workspace_id=2))
    assert (await api.get(DESTINATIONS)).json()["results"] == []
    assert await get_deliveries(api) == []
    for method, path in (
        ("GET", f"{DESTINATIONS}/{webhook}"),
        ("PATCH", f"{DESTINATIONS}/{webhook}"),
        ("DELETE", f"{DESTINATIONS}/{webhook}"),
        ("POST", f"{own}/test"),
        ("POST", f"{own}/signing-secret"),
        ("GET", f"{DELIVERIES}/{delivery}"),
        ("POST", f"{DELIVERIES}/{delivery}/retry"),
    ):
        body = {"display_name": "mine"} if method == "PATCH" else None
        answer = await api.request(method, path, json=body)
        assert answer.status_code == 404, (method, path)
    refused = await api.post(
        "/api/2.2/jobs/create", json={"tasks": [python_task()], **hooks("on_start", webhook)}
    )
    assert refused.status_code == 400


# E-mail ------------------------------------------------------------------------------------------


def smtp(port: int, **fields: Any) -> Notifications:
    return Notifications.model_validate(
        {
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_security": "none",
            "smtp_sender": "OpenLake <openlake@example.org>",
            **fields,
        }
    )


async def test_e_mail_goes_through_the_mail_server_of_the_settings(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, deps: Deps
) -> None:
    group = await create(api, email={"addresses": ["b@x.org", "c@x.org"]})
    run_id = await note_failure(
        api,
        launcher,
        deps,
        email_notifications={"on_failure": ["a@x.org"]},
        **hooks("on_failure", group),
    )
    with mail_server() as mailbox:
        deliverer = make_deliverer(
            deps, smtp(mailbox.port, smtp_username="me", smtp_password="letmein")
        )
        await deliverer.deliver_due()
        await deliverer.close()
    rows = await get_deliveries(api)
    assert {row["state"] for row in rows} == {"DELIVERED"}, rows
    assert sorted(to for tos, _ in mailbox.mails for to in tos) == ["a@x.org", "b@x.org", "c@x.org"]
    mail = mailbox.mails[0][1]
    assert mail["From"] == "OpenLake <openlake@example.org>"
    assert mail["Subject"] == "flights failed"
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert f"http://openlake.test/jobs/{rows[0]['job_id']}/runs/{run_id}" in text.decode()
    assert set(mailbox.logins) == {(b"me", b"letmein")}


async def test_without_a_mail_server_the_log_says_what_to_set(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, deps: Deps, deliverer: Deliverer
) -> None:
    await note_failure(api, launcher, deps, email_notifications={"on_failure": ["a@x.org"]})
    await deliverer.deliver_due()
    (row,) = await get_deliveries(api)
    assert row["state"] == "FAILED"
    assert (
        "no mail server is configured; set OPENLAKE_NOTIFICATIONS__SMTP_HOST" in row["last_error"]
    )


@pytest.mark.parametrize("problem", ["away", "password", "later"])
async def test_a_mail_server_that_fails_is_tried_again(
    api: httpx2.AsyncClient, deps: Deps, problem: str
) -> None:
    group = await create(api, email={"addresses": ["b@x.org"]})
    await api.post(f"/api/openlake/1.0/notification-destinations/{group}/test")
    with mail_server() as mailbox:
        mailbox.refuses = problem == "later"
        login = {"smtp_username": "me", "smtp_password": "wrong-one"}
        port = 9 if problem == "away" else mailbox.port
        deliverer = make_deliverer(deps, smtp(port, **(login if problem == "password" else {})))
        await deliverer.deliver_due()
        await deliverer.close()
    (row,) = await get_deliveries(api)
    assert (row["state"], row["tries"]) == ("PENDING", 1)
    assert row["last_error"] and "wrong-one" not in row["last_error"]
    assert mailbox.mails == []


# Rules -------------------------------------------------------------------------------------------


def test_pauses_double_up_to_hours_and_never_fall_together() -> None:
    seconds = [pause_after(n, 1.0).total_seconds() for n in range(1, 15)]
    assert seconds[:4] == [5, 10, 20, 40]
    assert seconds[-1] == LONGEST_PAUSE_S
    assert pause_after(3, 0.0) == timedelta(seconds=10)
    assert pause_after(1, 1.0, asked_s=90) == timedelta(seconds=90)
    assert pause_after(1, 1.0, asked_s=1e9) == timedelta(seconds=LONGEST_PAUSE_S)
    assert pause_after(100_000, 1.0) == timedelta(seconds=LONGEST_PAUSE_S)


def test_the_check_in_the_docs_accepts_ours_and_nothing_else() -> None:
    text = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()
    code = text.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    is_genuine = names["is_genuine"]
    now = int(time.time())
    assert is_genuine("secret", sign("secret", now, b"body"), b"body")
    assert not is_genuine("secret", sign("secret", now, b"body"), b"other")
    assert not is_genuine("other", sign("secret", now, b"body"), b"body")
    assert not is_genuine("secret", sign("secret", now - 600, b"body"), b"body")


def test_a_signature_depends_on_everything() -> None:
    base = sign("secret", 1, b"body")
    assert base.startswith("t=1,v1=")
    assert (
        len({base, sign("other", 1, b"body"), sign("secret", 2, b"body"), sign("secret", 1, b"")})
        == 4
    )


async def test_tries_go_with_their_delivery(database: Database, api: httpx2.AsyncClient) -> None:
    webhook = await create_webhook(api, "https://x.org")
    made = (await api.post(f"/api/openlake/1.0/notification-destinations/{webhook}/test")).json()
    async with database.session() as session:
        session.add(DeliveryTry(delivery_id=made["delivery_id"], started_at=T0))
        await session.flush()
        await session.exec(
            update(Delivery)
            .where(col(Delivery.delivery_id) == made["delivery_id"])
            .values(state="FAILED")
        )
    assert len((await get_delivery(api, made["delivery_id"]))["log"]) == 1
