"""A `databricks.yml` bundle: read, choose a target, fill in, check everything, list its files.

Shapes are those of Databricks Asset Bundles (docs "Bundle configuration"). What of them OpenLake
does not do is refused by name. Pure: the caller reads files and finds names for it (`Folder`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spec import bundle_jobs
from spec.bundle_files import FileTable, Folder, matching
from spec.bundle_form import check_form
from spec.bundle_merge import include
from spec.bundle_target import choose_target, short_name, unknown_variables, values_for, with_target
from spec.errors import InvalidFile, Problem
from spec.interpolation import Interpolation
from spec.job_files import check_job
from spec.jobs import JobSettings
from spec.reference_warnings import reference_warnings
from spec.yaml_lines import Mark, Node, parse

ROOT_FILE = "databricks.yml"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A sound bundle, ready to be deployed to one target."""

    name: str
    target: str
    file_path: str
    """The workspace folder that the files go to."""
    jobs: dict[str, JobSettings]
    """By key under `resources.jobs`, those that others name first; files are named by their
    workspace paths."""
    files: tuple[tuple[str, str], ...]
    """(path in the bundle's folder, path in the workspace), sorted."""
    stand_ins: Mapping[int, str] = field(default_factory=dict[int, str])
    """What stands in the jobs for an id → key of the job whose id it is."""
    warnings: tuple[Problem, ...] = ()
    """What may not be meant: `{{…}}` references that will stay as they are written."""


def load_bundle(
    folder: Folder,
    *,
    target: str | None = None,
    variables: Mapping[str, str] | None = None,
    user: str = "",
) -> Bundle:
    """Read and check a bundle.

    Args:
        folder: Where `databricks.yml` lies.
        target: The target to deploy to; None takes the one marked `default: true`.
        variables: Values that go before those of the files.
        user: Who deploys; shows in the default root path and in the names of development jobs.

    Raises:
        InvalidFile: with every mistake of every file.
    """
    root, problems = _read(folder)
    root, found = check_form(root)
    problems += found
    name, chosen, found = choose_target(root, target)
    problems += found
    if chosen is not None:
        problems += unknown_variables(root, chosen, name)
        root = with_target(root, chosen)
    values, valueless, found = values_for(root, name, dict(variables or {}), user)
    problems += found
    references = bundle_jobs.stand_ins(root)
    filling = Interpolation(values | references, valueless)
    file_path = filling.text("workspace.file_path").rstrip("/")
    if file_path and not file_path.startswith("/") and not filling.problems:
        what = f"'{file_path}' must be an absolute path, e.g. /Workspace/Shared/my-bundle"
        problems.append(Problem(*values["workspace.file_path"].mark, "workspace", what))
    files = FileTable(folder, file_path)
    jobs, found, warnings = _jobs(root, filling, files)
    keys = bundle_jobs.keys_of(references)
    ordered, cycle = bundle_jobs.order(jobs, keys, root)
    found += cycle
    sync = filling.fill(root.get("sync") or Node({}, root.mark), ("sync",))
    uploads = files.uploads(sync)
    problems += filling.problems
    # Where a reference could not be filled in, more findings would only be echoes of that.
    for each in (*files.problems, *found):
        if Mark(each.file, each.line, each.column) not in filling.unfilled:
            problems.append(each)
    if problems:
        raise InvalidFile(problems)
    bundle = str(values["bundle.name"].value)
    mode = chosen.get("mode") if chosen is not None else None
    if mode is not None and mode.value == "development":
        mark = f"[dev {short_name(user)}]" if user else "[dev]"
        jobs = {k: j.model_copy(update={"name": f"{mark} {j.name}"}) for k, j in jobs.items()}
    jobs = {key: jobs[key] for key in ordered}
    return Bundle(bundle, name, file_path, jobs, uploads, keys, tuple(warnings))


def _read(folder: Folder) -> tuple[Node, list[Problem]]:
    text = folder.read(ROOT_FILE)
    if text is None:
        what = "there is no such file in this folder; create it or go to the bundle's folder"
        raise InvalidFile([Problem(ROOT_FILE, 1, 1, "", what)])
    root, problems = parse(text, ROOT_FILE)
    if root is None or not isinstance(root.value, dict):
        what = "a bundle is a mapping with 'bundle' and 'resources'; write it so"
        raise InvalidFile(problems or [Problem(ROOT_FILE, 1, 1, "", what)])
    patterns = root.get("include")
    seen = {ROOT_FILE}
    for i, node in enumerate(patterns.elements() if patterns is not None else []):
        paths, reason = matching(folder, node)
        literal = node.text()
        if not paths and reason is None and literal and not any(s in literal for s in "*?["):
            reason = f"there is no file '{literal}'; create it or remove this line"
        if reason is not None:
            problems.append(Problem(*node.mark, f"include[{i}]", reason))
        for path in paths:
            if path not in seen:
                seen.add(path)
                root, found = _read_included(folder, path, root)
                problems += found
    return root, problems


def _read_included(folder: Folder, path: str, root: Node) -> tuple[Node, list[Problem]]:
    text = folder.read(path)
    if text is None:
        return root, [Problem(path, 1, 1, "", "this cannot be read as text; do not include it")]
    extra, problems = parse(text, path)
    if extra is None:
        return root, problems
    if not isinstance(extra.value, dict):
        what = "this must be a mapping, e.g. one that begins with 'resources:'"
        return root, [*problems, Problem(*extra.mark, "", what)]
    root, found = include(root, extra)
    return root, problems + found


def _jobs(
    root: Node, filling: Interpolation, files: FileTable
) -> tuple[dict[str, JobSettings], list[Problem], list[Problem]]:
    """Return the sound jobs, what is wrong with the others, and warnings."""
    jobs: dict[str, JobSettings] = {}
    problems: list[Problem] = []
    warnings: list[Problem] = []
    written = root.get("resources", "jobs")
    for key, node in written.items() if written is not None else []:
        at = ("resources", "jobs", key)
        node = files.place_tasks(filling.fill(node, at), at)
        settings, found = check_job(node, at)
        problems += found
        if settings is not None:
            jobs[key] = settings
            warnings += reference_warnings(node, settings, at)
    return jobs, problems, warnings
