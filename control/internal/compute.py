"""What an attempt runs on: libraries, Spark settings and variables, as pinned with its run."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from control.jobs.materials import (
    PROFILE,
    cluster_of,
    expand,
    key_of,
    place_of,
    profile_of,
    requirement_lines,
    submission_of,
)
from spec.api.runs import RunOverrides
from spec.attempts import Compute, PythonLibraries
from spec.compute import ComputeProfile, Library, MavenLibrary
from spec.jobs import JobSettings
from spec.spark_conf import merge_conf
from spec.tasks import Engine, Isolation, Task, engine_of

Blob = Callable[[str], Awaitable[bytes]]
"""Returns content by its SHA-256."""


async def compute_of(
    task: Task,
    settings: Mapping[str, Any],
    manifest: Mapping[str, str],
    overrides: RunOverrides,
    blob: Blob,
) -> tuple[Compute, dict[str, str]]:
    """Return what a task runs on, and the files that this adds to its work folder.

    Args:
        task: Of the snapshot.
        settings: The snapshot's.
        manifest: The snapshot's: key → SHA-256.
        overrides: What run-now was given.
        blob: Reads what is pinned.
    """
    is_sql = task.sql_task is not None or task.check_task is not None
    if is_sql or engine_of(task) not in (Engine.PYTHON, Engine.SPARK):
        return Compute(), {}
    job = _frame(settings)
    profile = await _profile(task, job, manifest, blob)
    cluster = cluster_of(task, job)
    python, wheels = await _python(task, job, profile, manifest, blob)
    spark_files, paths = _spark_files(task, overrides)
    submission = submission_of(task, overrides)
    layers = [profile.spark_conf] if profile is not None else []
    layers += [cluster.spark_conf] if cluster is not None else []
    layers += [submission.conf] if submission is not None else []
    variables = profile.spark_env_vars if profile is not None else {}
    compute = Compute(
        python=None if python is None else python.model_copy(update={"files": wheels}),
        maven=_maven(task, overrides),
        spark_conf=merge_conf(*layers),
        spark_files=spark_files,
        environment=variables | (cluster.spark_env_vars if cluster is not None else {}),
        import_roots=(".",) if _is_notebook_of_git(task) else (),
        isolation=task.isolation or Isolation.PROCESS,
    )
    return compute, {place: manifest[key] for place, key in paths.items()}


def _frame(settings: Mapping[str, Any]) -> JobSettings:
    """Return what of a job its tasks share; the tasks themselves may be a thousand."""
    shared = ("environments", "job_clusters", "git_source")
    return JobSettings.model_validate({k: settings[k] for k in shared if k in settings})


async def _profile(
    task: Task, job: JobSettings, manifest: Mapping[str, str], blob: Blob
) -> ComputeProfile | None:
    name = profile_of(task, job)
    if name is None:
        return None
    return ComputeProfile.model_validate_json(await blob(manifest[PROFILE + name]))


async def _python(
    task: Task,
    job: JobSettings,
    profile: ComputeProfile | None,
    manifest: Mapping[str, str],
    blob: Blob,
) -> tuple[PythonLibraries | None, dict[str, str]]:
    async def read(key: str) -> str:
        return (await blob(manifest[key])).decode("utf-8", "replace")

    found = await expand(requirement_lines(task, job, profile), job.git_source is not None, read)
    if not found.lines:
        return None, {}
    repos = [each.pypi.repo for each in task.libraries or () if each.pypi and each.pypi.repo]
    libraries = PythonLibraries(
        requirements=tuple(found.lines), indexes=tuple(dict.fromkeys(repos))
    )
    return libraries, {place: manifest[key] for place, key in found.wheels.items()}


def _maven(task: Task, overrides: RunOverrides) -> tuple[MavenLibrary, ...]:
    given = [library.maven for library in task.libraries or () if library.maven is not None]
    submission = submission_of(task, overrides)
    if submission is not None and submission.packages:
        # Every repository is asked for every package, whichever library names it.
        repos: list[str | None] = [*submission.repositories]
        repos += [None] * len(submission.packages)
        given += [
            MavenLibrary(
                coordinates=coordinates,
                repo=repo,
                exclusions=submission.exclusions,
            )
            for coordinates, repo in zip(submission.packages, repos, strict=False)
        ]
    return tuple(given)


def _spark_files(
    task: Task, overrides: RunOverrides
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return Spark's setting → places, and place → key of all files that are given to Spark."""
    listed: dict[str, tuple[str, ...]] = {}
    libraries: tuple[Library, ...] = task.libraries or ()
    jars = tuple(library.jar for library in libraries if library.jar is not None)
    if jars:
        listed["spark.jars"] = jars
    submission = submission_of(task, overrides)
    named: tuple[str, ...] = ()
    if submission is not None:
        named = submission.paths
        for setting, paths in submission.files.items():
            listed[setting] = listed.get(setting, ()) + paths
    every = {path: key_of(path, git=False) for path in (*jars, *named)}
    places = {path: place_of(key) for path, key in every.items()}
    settings = {setting: tuple(places[path] for path in paths) for setting, paths in listed.items()}
    return settings, {places[path]: key for path, key in every.items()}


def _is_notebook_of_git(task: Task) -> bool:
    """Tell whether modules at the repository's root can be imported, as in Databricks' folders."""
    return task.notebook_task is not None and task.notebook_task.source == "GIT"
