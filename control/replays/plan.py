"""What a replay works from: the settings of the run, without what would reach the outside."""

from typing import Any

from control.jobs.tables import SettingsSnapshot
from spec.errors import Invalid
from spec.jobs import JobSettings
from spec.publish import ConflictPolicy, PublishPolicy

_KEEP_HOURS = 24 * 7

_REACHES_OUT = {
    "run_job_task": "its runs would write to their own tables",
    "airflow_task": "the DAG would do its work again",
    "table_care_task": "it changes no rows",
    "replay_task": "replay that run itself",
}
"""Task types whose work a scratch branch does not hold, and why a run with one is not replayed."""

_SILENT = ("email_notifications", "webhook_notifications", "notification_settings", "health")
_STARTERS = ("schedule", "trigger", "continuous", "queue")


def replay_settings(snapshot: SettingsSnapshot) -> JobSettings:
    """Return the settings of the run that runs these again.

    It tells nobody, starts by nothing, checks what the run checked, and is not published.

    Raises:
        Invalid: the run does what cannot be done again without harm.
    """
    settings = JobSettings.model_validate(snapshot.settings)
    for task in settings.every_task():
        why = _REACHES_OUT.get(task.kind)
        if why is not None:
            raise Invalid(f"a run with a {task.kind} cannot be replayed ('{task.task_key}'): {why}")
    changed: dict[str, Any] = dict.fromkeys((*_SILENT, *_STARTERS))
    audit = settings.publish.audit if settings.publish else ()
    policy = PublishPolicy(audit=audit, keep_hours=_KEEP_HOURS, conflict=ConflictPolicy.FAIL)
    tasks = tuple(task.model_copy(update=dict.fromkeys(_SILENT, None)) for task in settings.tasks)
    return settings.model_copy(
        update=changed
        | {"name": f"replay of {settings.name}"[:4096], "publish": policy, "tasks": tasks}
    )
