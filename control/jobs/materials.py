"""What a run needs beside the files its tasks run: wheels, jars, requirements, compute profiles.

A manifest names content by *keys*: the absolute path of a workspace file or of a file in a volume
(`/Volumes/…`), `git:<path>` for a file of the job's repository, `query:<id>` for a saved query,
`profile:<name>` for a compute profile.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import basename, dirname, join, normpath

from control.files.paths import normalise
from control.git.checkouts import Checkout
from control.volumes.paths import ROOT, volume_path
from spec.api.runs import RunOverrides
from spec.compute import ClusterSpec, ComputeProfile, Library
from spec.errors import Invalid
from spec.jobs import JobSettings
from spec.requirements import lines_of, read_line
from spec.spark_submit import Submission, parse
from spec.tasks import Task

GIT = "git:"
PROFILE = "profile:"
WAREHOUSE = "warehouse:"

NO_PLACE = (
    "is neither in the workspace nor in a volume; put the file there and name it by its path,"
    " /Workspace/… or /Volumes/<catalog>/<schema>/<volume>/…"
)

Read = Callable[[str], Awaitable[str]]
"""Returns the text of a key, or raises `Invalid`."""


@dataclass(frozen=True)
class Outside:
    """What a run takes from outside the database, fetched before it is admitted."""

    checkout: Checkout | None = None
    profiles: Mapping[str, ComputeProfile] = field(default_factory=dict[str, ComputeProfile])
    """All there are."""
    volumes: Mapping[str, str | Invalid] = field(default_factory=dict[str, "str | Invalid"])
    """Key of a file in a volume → SHA-256 of its content, or why there is none."""


def volume_key(path: str) -> str | None:
    """Return the key of a file in a volume, also written `dbfs:/Volumes/…`; None for others.

    Raises:
        Invalid: it can name no file.
    """
    plain = path.removeprefix("dbfs:")
    if not plain.startswith(f"{ROOT}/"):
        return None
    found = volume_path(plain)
    if not found.inside:
        raise Invalid(f"'{path}' is a volume; name a file in it")
    return str(found)


def is_in_volume(key: str) -> bool:
    """Tell whether a key is that of a file in a volume."""
    return key.startswith(f"{ROOT}/")


def key_of(path: str, git: bool, near: str | None = None) -> str:
    """Return the key that a path in the settings means.

    Args:
        path: Absolute in the workspace or in a volume, or relative.
        git: What is relative lies in the job's repository.
        near: The key of the file in which the path is written, if it is not in the settings.

    Raises:
        Invalid: it is neither, or leads out of its place.
    """
    if (volume := volume_key(path)) is not None:
        return volume
    if "://" in path or path.startswith("dbfs:"):
        raise Invalid(f"'{path}' {NO_PLACE}")
    if path.startswith("/"):
        return normalise(path)
    if near is not None and not near.startswith(GIT):
        beside = normpath(join(dirname(near), path))
        return volume_key(beside) or normalise(beside)
    if near is None and not git:
        raise Invalid(f"'{path}' is relative, and the job has no 'git_source'; write /Workspace/…")
    inside = normpath(join(dirname((near or GIT).removeprefix(GIT)), path))
    if inside.startswith("..") or "\0" in inside:
        raise Invalid(f"'{path}' leads out of the repository")
    return GIT + inside


def cluster_of(task: Task, settings: JobSettings) -> ClusterSpec | None:
    """Return the cluster that a task runs on, if it names one."""
    if task.new_cluster is not None:
        return task.new_cluster
    for shared in settings.job_clusters:
        if task.job_cluster_key == shared.job_cluster_key:
            return shared.new_cluster
    return None


def profile_of(task: Task, settings: JobSettings) -> str | None:
    """Return the name of the compute profile that a task asks for, if it asks for one."""
    cluster = cluster_of(task, settings)
    return cluster.compute_profile if cluster is not None else task.existing_cluster_id


def profiles_of(settings: JobSettings) -> set[str]:
    """Return every compute profile that a job names."""
    names = (profile_of(task, settings) for task in settings.every_task())
    return {name for name in names if name is not None}


def check_profiles(settings: JobSettings, known: Mapping[str, ComputeProfile]) -> None:
    """Raise when a job names a compute profile that there is not.

    Raises:
        Invalid: says which there are.
    """
    for task in settings.every_task():
        name = profile_of(task, settings)
        if name is not None and name not in known:
            there = f"there are {', '.join(sorted(known))}" if known else "there are none"
            raise Invalid(
                f"task '{task.task_key}' names the compute profile '{name}', but {there}; profiles"
                " are made in OpenLake's configuration (OPENLAKE_WORKER__COMPUTE_PROFILES)"
            )


def submission_of(task: Task, overrides: RunOverrides) -> Submission | None:
    """Return what a spark_submit task asks for."""
    if task.spark_submit_task is None:
        return None
    return parse(overrides.spark_submit_params or task.spark_submit_task.parameters)


def requirement_lines(
    task: Task, settings: JobSettings, profile: ComputeProfile | None
) -> list[str]:
    """Return the lines of all Python packages that a task asks for, as they are written."""
    lines = list(profile.dependencies) if profile is not None else []
    for environment in settings.environments:
        if environment.environment_key == task.environment_key:
            lines += environment.spec.dependencies
    return lines + [line for library in task.libraries or () for line in _lines(library)]


def _lines(library: Library) -> Iterator[str]:
    if library.whl is not None:
        yield library.whl
    if library.requirements is not None:
        yield f"-r {library.requirements}"
    if library.pypi is not None:
        yield library.pypi.package


def plain_files(task: Task, overrides: RunOverrides) -> list[str]:
    """Return the paths of jars and other files that a task gives to Spark."""
    submission = submission_of(task, overrides)
    jars = [library.jar for library in task.libraries or () if library.jar is not None]
    return [*jars, *(submission.paths if submission is not None else ())]


@dataclass
class Requirements:
    """Lines with every `-r` replaced by what that file says."""

    lines: list[str] = field(default_factory=list[str])
    """For uv; wheels stand as `./<place>`."""
    wheels: dict[str, str] = field(default_factory=dict[str, str])
    """Place → key."""


async def expand(lines: Sequence[str], git: bool, read: Read) -> Requirements:
    """Return requirement lines as the worker needs them.

    Raises:
        Invalid: a line is not supported, or `read` refused a file.
    """
    found, seen = Requirements(), set[str]()

    async def add(texts: Sequence[str], near: str | None) -> None:
        for text in texts:
            for line in lines_of(text):
                await one(line, near)

    async def one(line: str, near: str | None) -> None:
        try:
            wish = read_line(line)
        except ValueError as error:
            raise Invalid(str(error)) from None
        if wish.kind == "plain":
            found.lines.append(wish.text)
            return
        key = key_of(wish.path, git, near)
        if wish.kind == "wheel":
            place = place_of(key)
            found.wheels[place] = key
            found.lines.append(f"./{place}{wish.rest}")
        elif key not in seen:
            seen.add(key)
            await add([await read(key)], key)

    await add(lines, None)
    return found


def place_of(key: str) -> str:
    """Return where a single file lies in an attempt's folder; two of one name have two places."""
    folder = dirname(key.removeprefix(GIT)).strip("/").replace("/", "_") or "root"
    return f".libraries/{'git-' if key.startswith(GIT) else ''}{folder}/{basename(key)}"
