"""Requests and answers of notification destinations (Databricks API 2.0) and deliveries (ours)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator

from spec.attempts import Frozen
from spec.model import Model

_Secret = Annotated[str, Field(min_length=1, max_length=4096)]
_Address = Annotated[str, Field(max_length=320, pattern=r"^[^\s@<>,;]+@[^\s@<>,;]+$")]


class DestinationType(StrEnum):
    """What a destination is; APPRISE is OpenLake's own."""

    WEBHOOK = "WEBHOOK"
    SLACK = "SLACK"
    MICROSOFT_TEAMS = "MICROSOFT_TEAMS"
    PAGERDUTY = "PAGERDUTY"
    EMAIL = "EMAIL"
    APPRISE = "APPRISE"


class _Config(Model):
    """Fields ending in `_set` are answers: they say that a secret is there, never what it is."""

    def given(self) -> dict[str, Any]:
        """Return what a person wrote, without the fields that are answers."""
        fields = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in fields.items() if not name.endswith("_set")}


class GenericWebhook(_Config):
    """Any HTTP server."""

    url: _Secret | None = None
    username: _Secret | None = None
    password: _Secret | None = None
    url_set: bool | None = None
    username_set: bool | None = None
    password_set: bool | None = None


class Slack(_Config):
    """A Slack channel: by its incoming webhook, or by a bot's token."""

    url: _Secret | None = None
    oauth_token: _Secret | None = None
    channel_id: _Secret | None = None
    url_set: bool | None = None
    oauth_token_set: bool | None = None
    channel_id_set: bool | None = None


class MicrosoftTeams(_Config):
    """A Teams channel, by the address of its workflow."""

    url: _Secret | None = None
    url_set: bool | None = None


class Pagerduty(_Config):
    """A PagerDuty service."""

    integration_key: _Secret | None = None
    integration_key_set: bool | None = None


class Email(_Config):
    """E-mail addresses; they are shown."""

    addresses: tuple[_Address, ...] = Field(default=(), max_length=50)


class AppriseUrl(_Config):
    """Any other service that Apprise knows, by its Apprise URL."""

    url: _Secret | None = None
    url_set: bool | None = None


class DestinationConfig(Model):
    """Exactly one of the fields is set."""

    generic_webhook: GenericWebhook | None = None
    slack: Slack | None = None
    microsoft_teams: MicrosoftTeams | None = None
    pagerduty: Pagerduty | None = None
    email: Email | None = None
    apprise: AppriseUrl | None = None

    @model_validator(mode="after")
    def _one(self) -> "DestinationConfig":
        if len([name for name in KINDS if getattr(self, name) is not None]) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS)}")
        return self

    @property
    def field(self) -> str:
        """The name of the field that is set."""
        return next(name for name in KINDS if getattr(self, name) is not None)

    @property
    def kind(self) -> DestinationType:
        """What the destination is."""
        return KINDS[self.field]

    @property
    def given(self) -> dict[str, Any]:
        """What a person wrote into the field that is set."""
        config: _Config = getattr(self, self.field)
        return config.given()


KINDS: dict[str, DestinationType] = {
    "generic_webhook": DestinationType.WEBHOOK,
    "slack": DestinationType.SLACK,
    "microsoft_teams": DestinationType.MICROSOFT_TEAMS,
    "pagerduty": DestinationType.PAGERDUTY,
    "email": DestinationType.EMAIL,
    "apprise": DestinationType.APPRISE,
}


class CreateDestination(Model):
    """Request of `POST notification-destinations`."""

    display_name: str = Field(min_length=1, max_length=256)
    config: DestinationConfig


class UpdateDestination(Model):
    """Request of `PATCH notification-destinations/{id}`; what is left out stays."""

    id: str | None = None
    display_name: str | None = Field(default=None, min_length=1, max_length=256)
    config: DestinationConfig | None = None


class DestinationEntry(Frozen):
    """A destination in a list."""

    id: str
    display_name: str
    destination_type: DestinationType


class DestinationView(DestinationEntry):
    """A destination, without its secrets."""

    config: dict[str, dict[str, Any]]
    """Like `DestinationConfig`, with `<field>_set: true` for each secret that is there."""


class DestinationList(Frozen):
    """Answer of `GET notification-destinations`, newest first."""

    results: tuple[DestinationEntry, ...] = ()
    next_page_token: str | None = None


class SigningSecret(Frozen):
    """The secret that webhooks are signed with; shown once."""

    signing_secret: str


class DeliveryTryView(Frozen):
    """One attempt to deliver."""

    started_at: datetime
    duration_ms: int | None = None
    """Absent while under way, and when the process died before it could note the end."""
    status: int | None = None
    """HTTP status, where one came."""
    error: str = ""


class DeliveryView(Frozen):
    """One notification to one destination."""

    delivery_id: int
    run_id: int
    task_run_id: int
    """0 for the run as a whole."""
    job_id: int
    repair: int
    event: str
    channel: str
    """`email` or `destination`."""
    destination: str
    """An e-mail address, or the id of a notification destination."""
    state: str
    """PENDING, DELIVERED or FAILED."""
    tries: int
    last_error: str = ""
    next_try_at: datetime | None = None
    created_at: datetime
    ended_at: datetime | None = None
    log: tuple[DeliveryTryView, ...] | None = None
    """Every try, oldest first; of a single delivery only."""


class DeliveryList(Frozen):
    """Answer of `GET deliveries`, newest first."""

    deliveries: tuple[DeliveryView, ...] = ()
    next_page_token: str | None = None
