"""Writes a job as an Airflow 3 DAG file; pure: the same job gives the same text.

Each Airflow task starts a run of its part of the job (`only` of run-now) and waits for its end.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from control.airflow.groups import Step, steps_of
from control.airflow.schedule import NotSayable, airflow_cron
from spec.cron import parse_cron
from spec.errors import Invalid
from spec.jobs import JobSettings

CONNECTION = "openlake_default"
_TAG_CHARACTERS = 100
_COPIED = Path(__file__).with_name("runs_client.py").read_text().partition("from here ---\n")[2]
_CLIENT_IMPORTS, _, _CLIENT = _COPIED.partition("\n\n")
_MARK = re.compile(r"# openlake-airflow job=(\d+) settings=[0-9a-f]+ from=(\S+)\n")


@dataclass(frozen=True)
class Export:
    """What is written as a DAG."""

    job_id: int
    settings: JobSettings
    origin: str
    """The address of the OpenLake that has the job; part of the file's mark."""
    created_at: datetime
    """Aware; the DAG's start date."""
    whole: bool = False
    """Run the whole job as one task."""
    takes_schedule: bool = False
    """Let Airflow fire the job, once its schedule is paused in OpenLake."""


@dataclass(frozen=True)
class Compiled:
    """A DAG file."""

    text: str
    notes: tuple[str, ...]
    """What is other than in OpenLake, for people; the file says it too."""


def file_name(job_id: int) -> str:
    """Return the name of a job's DAG file."""
    return f"openlake_job_{job_id}.py"


def mark_of(text: str) -> tuple[int, str] | None:
    """Return job id and origin of a file that was written here; None of any other file."""
    found = _MARK.match(text)
    return None if found is None else (int(found[1]), found[2])


def compile_dag(export: Export) -> Compiled:
    """Return the DAG file of a job.

    Raises:
        Invalid: the job has no tasks.
    """
    if not export.settings.tasks:
        raise Invalid(f"job {export.job_id} has no tasks; there is nothing to write as a DAG")
    is_transaction = export.settings.publish is not None
    steps = steps_of(export.settings, whole=export.whole or is_transaction)
    schedule, notes = _schedule(export)
    notes = (*notes, *_limits(export, steps))
    text = "".join(
        (
            _header(export, notes),
            _imports(schedule),
            f"{_CLIENT.strip()}\n\n\n",
            _constants(export),
            _OPERATOR,
            _dag(export, steps, schedule),
        )
    )
    return Compiled(text, notes)


def _header(export: Export, notes: tuple[str, ...]) -> str:
    settings = export.settings.model_dump_json(exclude_none=True)
    digest = hashlib.sha256(settings.encode()).hexdigest()[:16]
    lines = [
        f"# openlake-airflow job={export.job_id} settings={digest} from={export.origin}",
        f"# Written by `openlake airflow` from the job '{_line(export.settings.name)}'.",
        "# Change the job, not this file: it is written anew when the job changes.",
        *(f"# NOTE: {_line(note)}" for note in notes),
    ]
    return "\n".join(lines) + "\n"


def _imports(schedule: str) -> str:
    names = ["DAG", "BaseHook", "BaseOperator", "Param"]
    names += ["CronTriggerTimetable"] if schedule != "None" else []
    return (
        f"from __future__ import annotations\n\n{_CLIENT_IMPORTS}\n"
        "from datetime import datetime, timezone\n\n"
        f"from airflow.sdk import {', '.join(sorted(names))}\n\n"
    )


def _constants(export: Export) -> str:
    defaults = {each.name: each.default for each in export.settings.parameters}
    return f"JOB_ID = {export.job_id}\nCONNECTION = {CONNECTION!r}\nDEFAULTS = {defaults!r}\n\n\n"


_OPERATOR = '''class OpenLakeTask(BaseOperator):
    """Run tasks of the job in OpenLake and wait for their end; `only` None means all of them."""

    ui_color = "#dcefe8"

    def __init__(self, *, only, **rest):
        # OpenLake retries by the rules of the job.
        super().__init__(**{"retries": 0, **rest})
        self.only = only
        self.run_id = None

    def execute(self, context):
        ti = context["ti"]
        # A try that was begun and lost sight of is found again: the key makes one run.
        key = f"{ti.dag_id}/{ti.run_id}/{ti.task_id}/{ti.map_index}/{ti.try_number}"
        given = {name: str(context["params"][name]) for name in DEFAULTS}
        changed = {name: value for name, value in given.items() if value != DEFAULTS[name]}
        self.run_id = self.runs().start(key, self.only, changed)
        return self.runs().follow(self.run_id)

    def on_kill(self):
        if self.run_id is not None:
            self.runs().cancel(self.run_id)

    def runs(self):
        there = BaseHook.get_connection(CONNECTION)
        address = there.host or ""
        if "://" not in address:
            scheme = there.schema or ("http" if there.conn_type == "http" else "https")
            address = f"{scheme}://{address}"
        if there.port:
            address = f"{address}:{there.port}"
        return Runs(address, there.password, JOB_ID, self.log.info)


'''


def _dag(export: Export, steps: tuple[Step, ...], schedule: str) -> str:
    settings = export.settings
    start = export.created_at
    tags = [f"{key}:{value}" if value else key for key, value in sorted(settings.tags.items())]
    tags = ["openlake", *(tag[:_TAG_CHARACTERS] for tag in tags if not tag.startswith("airflow:"))]
    params = {each.name: each.default for each in settings.parameters}
    written = "".join(
        f"        {name!r}: Param({value!r}, type='string'),\n" for name, value in params.items()
    )
    description = settings.description or f"The job '{settings.name}' of {export.origin}"
    lines = [
        "with DAG(",
        f"    dag_id='openlake_job_{export.job_id}',",
        f"    dag_display_name={settings.name!r},",
        f"    description={description!r},",
        f"    schedule={schedule},",
        f"    start_date=datetime({start.year}, {start.month}, {start.day}, tzinfo=timezone.utc),",
        "    catchup=False,",
        f"    max_active_runs={max(1, settings.max_concurrent_runs)},",
        f"    params={{\n{written}    }}," if written else "    params={},",
        f"    tags={tags!r},",
        "):",
        "    steps = {}",
        *(_step(step, settings) for step in steps),
        *(
            f"    steps[{step.task_id!r}].set_upstream([{_list(step.needs)}])"
            for step in steps
            if step.needs
        ),
    ]
    return "\n".join(lines) + "\n"


def _step(step: Step, settings: JobSettings) -> str:
    is_all = len(step.keys) == len(settings.tasks)
    only = "None" if is_all else repr(list(step.keys))
    descriptions = {task.task_key: task.description for task in settings.tasks}
    doc = "\n".join(
        f"- `{key}`: {descriptions[key]}" if descriptions[key] else f"- `{key}`"
        for key in step.keys
    )
    return (
        f"    steps[{step.task_id!r}] = OpenLakeTask(\n"
        f"        task_id={step.task_id!r},\n"
        f"        only={only},\n"
        f"        trigger_rule={step.rule!r},\n"
        f"        doc_md={doc!r},\n"
        "    )"
    )


def _list(task_ids: tuple[str, ...]) -> str:
    return ", ".join(f"steps[{task_id!r}]" for task_id in task_ids)


def _schedule(export: Export) -> tuple[str, tuple[str, ...]]:
    """Return the DAG's `schedule` as Python, and what is to be said of it."""
    settings = export.settings
    starter = next(
        (each for each in ("schedule", "trigger", "continuous") if getattr(settings, each)), None
    )
    if starter is None or not export.takes_schedule:
        return "None", ()
    cron = settings.schedule
    if cron is None:
        return "None", (f"the job's '{starter}' is OpenLake's to watch: Airflow does not fire it",)
    shown = f"'{cron.quartz_cron_expression}' ({cron.timezone_id})"
    if cron.pause_status != "PAUSED":
        why = "pause it there, and Airflow fires it instead"
        return "None", (f"OpenLake fires the job by its schedule {shown}; {why}",)
    try:
        said = airflow_cron(parse_cron(cron.quartz_cron_expression))
    except NotSayable as error:
        why = f"{error}; unpause it in OpenLake"
        return "None", (f"the schedule {shown} cannot be said in Airflow's cron: {why}",)
    return f"CronTriggerTimetable({said!r}, timezone={cron.timezone_id!r})", ()


def _limits(export: Export, steps: tuple[Step, ...]) -> tuple[str, ...]:
    if export.settings.publish is not None and not export.whole:
        return ("the job is a transaction ('publish'), which is one run, so it is one task here",)
    notes = [
        f"the tasks {', '.join(step.keys)} need one run, so they are one task here"
        for step in steps
        if len(step.keys) > 1 and not export.whole
    ]
    if export.settings.max_concurrent_runs == 1 and _has_branches(steps):
        notes.append(
            "tasks side by side wait for each other: the job allows one run at a time; raise its"
            " max_concurrent_runs"
        )
    return tuple(notes)


def _has_branches(steps: tuple[Step, ...]) -> bool:
    """Tell whether two steps may run at once: not so when each waits for the one before it."""
    return sum(not step.needs for step in steps) > 1 or any(
        sum(step.task_id in other.needs for other in steps) > 1 for step in steps
    )


def _line(text: str) -> str:
    """Return a text as one line of a comment."""
    return " ".join(text.split())
