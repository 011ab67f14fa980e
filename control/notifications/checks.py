"""Looks whether the destinations that a job names are there."""

from collections.abc import Iterator

from sqlmodel.ext.asyncio.session import AsyncSession

from control.notifications import store
from spec.errors import Invalid
from spec.jobs import JobSettings
from spec.occasions import NoticeEvent


async def require_destinations(
    session: AsyncSession, workspace_id: int, settings: JobSettings
) -> None:
    """Refuse settings that notify a destination which the workspace does not have.

    Raises:
        Invalid: names the field and the id, of the first such one.
    """
    named = dict(_named(settings))
    if not named:
        return
    known = await store.known(session, workspace_id, set(named.values()))
    for place, destination_id in named.items():
        if destination_id not in known:
            raise Invalid(
                f"{place}: there is no notification destination '{destination_id}' in this"
                " workspace; make it first with POST /api/2.0/notification-destinations"
            )


def _named(settings: JobSettings) -> Iterator[tuple[str, str]]:
    """Yield (field, id) of every destination that settings name."""
    owners = [("", settings.webhook_notifications)]
    owners += [
        (f"tasks[{i}].", task.webhook_notifications) for i, task in enumerate(settings.tasks)
    ]
    for prefix, lists in owners:
        for event in NoticeEvent:
            for i, hook in enumerate(getattr(lists, event.value, ())):
                yield f"{prefix}webhook_notifications.{event.value}[{i}].id", hook.id
