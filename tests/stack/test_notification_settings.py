"""Settings of notifications reach the control worker, and the password only by a closed file."""

import pytest
from pydantic import ValidationError

from control.config import Notifications, Settings
from control.stack.environment import settings_environment
from control.stack.layout import Layout
from control.stack.secrets import keep_smtp
from spec.errors import Invalid

GIVEN = {
    "OPENLAKE_NOTIFICATIONS__ALLOWED_NETWORKS": "10.0.0.0/8, fd00::/8",
    "OPENLAKE_NOTIFICATIONS__SMTP_HOST": "smtp.example.org",
    "OPENLAKE_NOTIFICATIONS__SMTP_SENDER": "OpenLake <openlake@example.org>",
    "OPENLAKE_NOTIFICATIONS__SMTP_USERNAME": "me",
    "OPENLAKE_NOTIFICATIONS__SMTP_PASSWORD": "letmein-1234",
}


def test_the_worker_gets_all_settings_and_its_environment_not_the_password(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    mine = Layout(layout.settings.model_copy(update={"notifications": Settings().notifications}))
    keep_smtp(mine.secrets_dir, mine.settings.notifications)
    handed_on = settings_environment(mine)
    assert "letmein-1234" not in str(handed_on)
    for name in GIVEN:
        monkeypatch.delenv(name)
    for name, value in handed_on.items():
        monkeypatch.setenv(name, value)
    worker = Layout(Settings())
    assert worker.settings.notifications.smtp_password is None
    assert worker.notifications == mine.settings.notifications
    # A later `up` without the password keeps the one that is there.
    keep_smtp(worker.secrets_dir, worker.settings.notifications)
    assert worker.notifications == mine.settings.notifications


def test_a_user_name_needs_a_password(layout: Layout) -> None:
    with pytest.raises(Invalid, match="SMTP_PASSWORD"):
        keep_smtp(layout.secrets_dir, Notifications(smtp_username="me"))


@pytest.mark.parametrize("networks", ["10.0.0.1/8", "somewhere", "10.0.0.0/8;11.0.0.0/8"])
def test_what_is_no_network_is_refused(networks: str) -> None:
    with pytest.raises(ValidationError, match="allowed_networks"):
        Notifications(allowed_networks=networks)
