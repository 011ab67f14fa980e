"""Says what is wrong with a job's YAML before anybody tries to save it."""

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.deps import Deps
from control.jobs import rules
from control.jobs.access import permitted
from control.jobs.service import stored
from control.notifications.checks import require_destinations
from control.permissions.levels import Level
from spec.api.checks import CheckedJob, CheckJob, TextProblem
from spec.errors import Invalid, Problem
from spec.job_files import check_job, problem_at
from spec.jobs import JobSettings, RunAs
from spec.problems import Mistake
from spec.reference_warnings import reference_warnings
from spec.yaml_lines import Node, parse

_FILE = "job.yml"
_EMPTY = "the file is empty; write a job's settings (name, tasks)"


async def check(deps: Deps, caller: Caller, body: CheckJob) -> CheckedJob:
    """Return every reason why this text would be refused, and what it would be kept as.

    Nothing is written. What the stack would refuse (warehouses, policies, people) is looked up
    once the text is sound in itself.

    Raises:
        NotFound: there is no such job in the caller's workspace.
        Forbidden: the caller may not change it.
    """
    async with deps.database.read_session() as session:
        before = await _before(session, caller, body.job_id)
        node, problems = parse(body.text, _FILE)
        if node is None:
            return _answer(None, problems or [Problem(_FILE, 1, 1, "", _EMPTY)], [])
        settings, found = check_job(node, ())
        problems = [*problems, *found]
        if settings is None or problems:
            return _answer(None, problems, [])
        problems = await _refused(deps, session, caller, node, settings, before)
    return _answer(settings, problems, reference_warnings(node, settings, ()))


async def _before(session: AsyncSession, caller: Caller, job_id: int | None) -> RunAs | None:
    """Return whom the job runs as now."""
    if job_id is None:
        return None
    job = await permitted(session, caller, job_id, Level.CAN_MANAGE)
    return RunAs.model_validate(job.settings["run_as"]) if "run_as" in job.settings else None


async def _refused(
    deps: Deps,
    session: AsyncSession,
    caller: Caller,
    node: Node,
    settings: JobSettings,
    before: RunAs | None,
) -> list[Problem]:
    found = [
        Mistake(path, error.message)
        async for path, error in rules.refusals(deps, session, caller, settings, before)
    ]
    try:
        await require_destinations(session, caller.workspace_id, settings)
    except Invalid as error:
        found.append(Mistake(("webhook_notifications",), error.message))
    return [problem_at(node, mistake) for mistake in found]


def _answer(
    settings: JobSettings | None, problems: list[Problem], warnings: list[Problem]
) -> CheckedJob:
    return CheckedJob(
        settings=stored(settings) if settings is not None and not problems else None,
        problems=_spell(problems),
        warnings=_spell(warnings),
    )


def _spell(problems: list[Problem]) -> tuple[TextProblem, ...]:
    ordered = sorted(problems, key=lambda each: (each.line, each.column))
    return tuple(
        TextProblem(message=each.message, path=each.path, line=each.line, column=each.column)
        for each in ordered
    )
