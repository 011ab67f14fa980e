"""`${resources.jobs.<key>.id}`: ids that there are only once a bundle's jobs are made.

Until then a stand-in is there, an integer that no job has; deploying fills in the true ids, jobs
that others name first.
"""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, cast

from spec.errors import Problem
from spec.jobs import JobSettings
from spec.yaml_lines import Node

_FIRST = -8_800_000_000_000_000


def stand_ins(root: Node) -> dict[str, Node]:
    """Return the reference of every job of the bundle with its stand-in."""
    jobs = root.get("resources", "jobs")
    return {
        f"resources.jobs.{key}.id": Node(_FIRST - i, node.mark)
        for i, (key, node) in enumerate(jobs.items() if jobs is not None else [])
    }


def keys_of(references: Mapping[str, Node]) -> dict[int, str]:
    """Return stand-in → key of the job it stands for."""
    return {
        cast(int, node.value): name.removeprefix("resources.jobs.").removesuffix(".id")
        for name, node in references.items()
    }


def order(
    jobs: Mapping[str, JobSettings], keys: Mapping[int, str], root: Node
) -> tuple[list[str], list[Problem]]:
    """Return the keys of all jobs, those that others name first, and what is wrong.

    A job that only names itself is fine: it is made first and completed then.
    """
    graph = {key: named_by(job, keys) - {key} for key, job in jobs.items()}
    try:
        return [key for key in TopologicalSorter(graph).static_order() if key in jobs], []
    except CycleError as error:
        around = " → ".join(error.args[1][::-1])
        what = f"these jobs name each other's ids in a cycle: {around}; give one job_id as a number"
        mark = root.keys.get("resources", root.mark)
        return [], [Problem(*mark, "resources.jobs", what)]


def named_by(job: JobSettings, keys: Mapping[int, str]) -> set[str]:
    """Return the keys of the jobs whose ids a job names."""
    text = job.model_dump_json()
    return {key for stand_in, key in keys.items() if str(stand_in) in text}


def filled(settings: Any, ids: Mapping[int, int | str]) -> Any:
    """Return settings with every stand-in replaced, numbers and in texts."""
    if isinstance(settings, dict):
        return {k: filled(v, ids) for k, v in cast(dict[str, Any], settings).items()}
    if isinstance(settings, list):
        return [filled(each, ids) for each in cast(list[Any], settings)]
    if isinstance(settings, str) and str(_FIRST)[:6] in settings:
        for stand_in, value in ids.items():
            settings = settings.replace(str(stand_in), str(value))
        return settings
    return ids.get(settings, settings) if isinstance(settings, int) else settings
