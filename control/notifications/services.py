"""How each kind of destination is reached; pure."""

from typing import Any
from urllib.parse import urlsplit

from control.config import Notifications
from control.notifications.courier import Service
from spec.api.notifications import DestinationType
from spec.errors import Invalid, OpenLakeError


class NoMailServer(OpenLakeError):
    """The settings name no mail server; trying again does not help."""


_NEEDED: dict[DestinationType, str] = {
    DestinationType.WEBHOOK: "url",
    DestinationType.MICROSOFT_TEAMS: "url",
    DestinationType.PAGERDUTY: "integration_key",
    DestinationType.EMAIL: "addresses",
    DestinationType.APPRISE: "url",
}

_WANTED: dict[DestinationType, str] = {
    DestinationType.SLACK: "an incoming webhook, https://hooks.slack.com/services/…",
    DestinationType.MICROSOFT_TEAMS: "the address of a Teams workflow,"
    " https://….logic.azure.com/workflows/…",
    DestinationType.PAGERDUTY: "an integration key of the Events API v2",
    DestinationType.APPRISE: "an Apprise URL of a service that needs no program of its own",
}


def check_config(kind: DestinationType, config: dict[str, Any]) -> None:
    """Look at what can be seen without asking anybody.

    Raises:
        Invalid: something is missing, or an address is none.
    """
    if kind is DestinationType.SLACK:
        if ("url" in config) == ("oauth_token" in config or "channel_id" in config):
            raise Invalid("config.slack: give either 'url', or 'oauth_token' and 'channel_id'")
        if "url" not in config and not {"oauth_token", "channel_id"} <= config.keys():
            raise Invalid("config.slack: 'oauth_token' and 'channel_id' belong together")
    elif not config.get(_NEEDED[kind]):
        raise Invalid(f"config: '{_NEEDED[kind]}' is missing")
    if kind is DestinationType.WEBHOOK:
        _check_webhook(config)


def _check_webhook(config: dict[str, Any]) -> None:
    place = "config.generic_webhook"
    try:
        parts = urlsplit(str(config["url"]))
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise Invalid(f"{place}.url: it is not an address") from None
    if not usable:
        raise Invalid(f"{place}.url: it must begin with https:// or http:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise Invalid(f"{place}.url: put name and password into 'username' and 'password'")
    if "password" in config and "username" not in config:
        raise Invalid(f"{place}: a 'password' needs a 'username'")


def wanted(kind: DestinationType) -> str:
    """Say what a destination of this kind should have been."""
    return _WANTED[kind]


def chat_service(kind: DestinationType, config: dict[str, Any]) -> Service:
    """Return how Apprise reaches a chat or paging service."""
    secrets = tuple(str(value) for value in config.values())
    match kind:
        case DestinationType.SLACK if "url" in config:
            url = str(config["url"])
            return Service(url, ("slack",), (*secrets, *urlsplit(url).path.split("/")))
        case DestinationType.SLACK:
            parts = {
                "schema": "slack",
                "access_token": config["oauth_token"],
                "targets": [_channel(config["channel_id"])],
            }
            return Service(parts, ("slack",), secrets)
        case DestinationType.MICROSOFT_TEAMS:
            return Service(config["url"], ("workflow", "workflows"), secrets)
        case DestinationType.PAGERDUTY:
            # Apprise asks for an API key beside; PagerDuty's Events API v2 knows none.
            key = config["integration_key"]
            parts = {
                "schema": "pagerduty",
                "apikey": key,
                "integrationkey": key,
                "source": "OpenLake",
                "component": "jobs",
            }
            return Service(parts, ("pagerduty",), secrets)
        case _:
            return Service(config["url"], (), secrets)


def _channel(name: str) -> str:
    # Ids begin with C, G or D; names may be written with or without their sign.
    return name if name[0] in "#+@" else f"#{name}"


def mail_service(settings: Notifications, addresses: list[str]) -> Service:
    """Return how Apprise sends e-mail through the mail server of the settings.

    Raises:
        NoMailServer: the settings name none.
    """
    if settings.smtp_host is None or settings.smtp_sender is None:
        raise NoMailServer(
            "no mail server is configured; set OPENLAKE_NOTIFICATIONS__SMTP_HOST and"
            " OPENLAKE_NOTIFICATIONS__SMTP_SENDER, and run `openlake up`"
        )
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    secure = {"starttls": "starttls", "tls": "ssl", "none": "insecure"}[settings.smtp_security]
    parts: dict[str, Any] = {
        "schema": "mailto" if settings.smtp_security == "none" else "mailtos",
        "host": settings.smtp_host,
        "smtp_host": settings.smtp_host,
        "port": settings.smtp_port,
        "secure_mode": secure,
        "from_addr": settings.smtp_sender,
        "targets": addresses,
        "format": "text",
    }
    if settings.smtp_username is not None:
        parts |= {"user": settings.smtp_username, "password": password}
    return Service(parts, ("mailto",), (password,) if password else (), trusted=True)
