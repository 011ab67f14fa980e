"""`sdk.notification_destinations`."""

import uuid

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.settings import Config, EmailConfig, GenericWebhookConfig

from tests.conformance.conftest import AsUser


def test_a_destination_lives_and_its_secrets_stay_inside(
    sdk: WorkspaceClient, other_workspace: WorkspaceClient, as_user: AsUser
) -> None:
    name = f"mail {uuid.uuid4()}"
    hook = GenericWebhookConfig(url="https://example.com/hook", password="secret", username="me")
    made = sdk.notification_destinations.create(
        display_name=name, config=Config(generic_webhook=hook)
    )
    assert made.id is not None
    changed = sdk.notification_destinations.update(made.id, display_name=name + " 2")
    assert changed.display_name == name + " 2"
    read = sdk.notification_destinations.get(made.id)
    assert read.config is not None and read.config.generic_webhook is not None
    shown = read.config.generic_webhook
    assert (shown.url_set, shown.password_set, shown.password) == (True, True, None)
    assert made.id in [each.id for each in sdk.notification_destinations.list(page_size=1)]
    with pytest.raises(NotFound):
        other_workspace.notification_destinations.get(made.id)
    with pytest.raises(PermissionDenied):
        as_user("destinations").notification_destinations.delete(made.id)
    sdk.notification_destinations.delete(made.id)
    with pytest.raises(NotFound):
        sdk.notification_destinations.get(made.id)


def test_what_could_not_work_is_refused(sdk: WorkspaceClient) -> None:
    for config in (Config(), Config(email=EmailConfig(addresses=["no address"]))):
        with pytest.raises(InvalidParameterValue):
            sdk.notification_destinations.create(display_name="x", config=config)
