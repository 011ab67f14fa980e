"""`openlake bundle`: check and deploy a `databricks.yml`."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from control.cli.client import Api, connect
from control.cli.output import Output, OutputOption, console, errors, print_json
from spec.bundle_jobs import filled
from spec.errors import Invalid, NotFound
from spec.jobs import JobSettings

if TYPE_CHECKING:
    from spec.bundle import Bundle

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Check and deploy a databricks.yml.",
)

Folder = Annotated[Path, typer.Argument(help="The folder that holds databricks.yml.")]
Target = Annotated[str | None, typer.Option("--target", "-t", help="One of the bundle's targets.")]
Variables = Annotated[
    list[str] | None, typer.Option("--var", help="name=value; again for more than one.")
]


@dataclass(frozen=True)
class LocalFolder:
    """A bundle's folder on this machine; see `spec.bundle_files.Folder`."""

    root: Path

    def read(self, path: str) -> str | None:
        """Return a file's text; None when there is none, or when it is not text."""
        try:
            return self._inside(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def exists(self, path: str) -> bool:
        """Tell whether this is a file below the root."""
        return self._inside(path).is_file()

    def glob(self, pattern: str) -> Sequence[str]:
        """Return the files that match, sorted."""
        found = (path for path in self.root.glob(pattern) if path.is_file())
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def _inside(self, path: str) -> Path:
        whole = (self.root / path).resolve()
        return whole if whole.is_relative_to(self.root.resolve()) else self.root / "\0outside"


def read_bundle(folder: Path, target: str | None, variables: Sequence[str], user: str) -> "Bundle":
    """Return the checked bundle of a folder.

    Raises:
        InvalidFile: with every mistake.
        Invalid: a variable is not written as name=value, or the folder has no databricks.yml.
    """
    if not (folder / "databricks.yml").is_file():
        raise Invalid(f"{folder} has no databricks.yml; name the folder that holds it")
    from spec.bundle import load_bundle

    given: dict[str, str] = {}
    for each in variables:
        name, equals, value = each.partition("=")
        if not equals:
            raise Invalid(f"--var {each} is not written as name=value")
        given[name] = value
    return load_bundle(LocalFolder(folder), target=target, variables=given, user=user)


@app.command()
def validate(
    folder: Folder = Path(),
    target: Target = None,
    var: Variables = None,
    output: OutputOption = Output.text,
) -> None:
    """Check everything and change nothing.

    [dim]Example: openlake bundle validate docs/examples/flights --target trino[/dim]
    """
    bundle = read_bundle(folder, target, var or [], "")
    for warning in bundle.warnings:
        errors.print(f"[yellow]![/] {warning}", markup=True, soft_wrap=True)
    if output is Output.json:
        names: dict[int, int | str] = {
            stand_in: f"${{resources.jobs.{key}.id}}" for stand_in, key in bundle.stand_ins.items()
        }
        jobs = {key: filled(job.model_dump(mode="json"), names) for key, job in bundle.jobs.items()}
        print_json({"name": bundle.name, "target": bundle.target, "jobs": jobs})
        return
    tasks = sum(len(job.tasks) for job in bundle.jobs.values())
    console.print(
        f"[green]✓[/] {bundle.name} for target {bundle.target}: {len(bundle.jobs)} job(s),"
        f" {tasks} task(s), {len(bundle.files)} file(s)"
    )


@app.command()
def deploy(
    folder: Folder = Path(),
    target: Target = None,
    var: Variables = None,
    output: OutputOption = Output.text,
) -> None:
    """Upload the files and make or change the jobs; doing it again changes nothing.

    [dim]Example: openlake bundle deploy docs/examples/flights[/dim]
    """
    api = connect()
    user = str(api.get("/api/2.0/preview/scim/v2/Me")["userName"])
    bundle = read_bundle(folder, target, var or [], user)
    deployed = deploy_bundle(api, folder, bundle)
    if output is Output.json:
        print_json({key: each.__dict__ for key, each in deployed.items()})
        return
    for key, each in deployed.items():
        console.print(f"[green]✓[/] job {key} {each.action} (job_id {each.job_id})")


@dataclass(frozen=True)
class Deployed:
    """What deploying did to one job."""

    job_id: int
    action: str
    """created, changed or unchanged"""


def deploy_bundle(api: Api, folder: Path, bundle: "Bundle") -> dict[str, Deployed]:
    """Upload the bundle's files, then create or reset its jobs; return them by key.

    Safe to repeat: files are overwritten with what they hold, and a job that is the same already
    is left alone. A job is known by its name.
    """
    for local, remote in bundle.files:
        parent = remote.rsplit("/", 1)[0]
        content = base64.b64encode((folder / local).read_bytes()).decode()
        body = {"path": remote, "content": content, "format": "AUTO", "overwrite": True}
        try:
            api.post("/api/2.0/workspace/import", body)
        except NotFound:
            api.post("/api/2.0/workspace/mkdirs", {"path": parent})
            api.post("/api/2.0/workspace/import", body)
    own = {key: stand_in for stand_in, key in bundle.stand_ins.items()}
    ids: dict[int, int | str] = {}
    deployed: dict[str, Deployed] = {}
    for key, job in bundle.jobs.items():
        deployed[key] = _put_job(api, job, ids, own[key])
        ids[own[key]] = deployed[key].job_id
    return deployed


def _put_job(api: Api, job: JobSettings, ids: dict[int, int | str], own: int) -> Deployed:
    """Create or change one job.

    Args:
        api: The API.
        job: Its settings, with stand-ins for ids of the bundle's jobs.
        ids: What is known of these: stand-in → id.
        own: The stand-in of this very job.
    """
    settings: dict[str, Any] = job.model_dump(mode="json", exclude_none=True)
    found = api.get("/api/2.2/jobs/list", name=job.name, limit=1).get("jobs", [])
    if not found:
        job_id = int(api.post("/api/2.2/jobs/create", filled(settings, ids))["job_id"])
        if str(own) in job.model_dump_json():
            whole = filled(settings, {**ids, own: job_id})
            api.post("/api/2.2/jobs/reset", {"job_id": job_id, "new_settings": whole})
        return Deployed(job_id, "created")
    job_id = int(found[0]["job_id"])
    settings = filled(settings, {**ids, own: job_id})
    current = _settings_of(api, job_id)
    if _same(JobSettings.model_validate(settings), current):
        return Deployed(job_id, "unchanged")
    api.post("/api/2.2/jobs/reset", {"job_id": job_id, "new_settings": settings})
    return Deployed(job_id, "changed")


def _settings_of(api: Api, job_id: int) -> dict[str, Any]:
    """Return a job's settings; arrays of more than 100 entries come by pages."""
    answer = api.get("/api/2.2/jobs/get", job_id=job_id)
    settings: dict[str, Any] = answer["settings"]
    while token := answer.get("next_page_token"):
        answer = api.get("/api/2.2/jobs/get", job_id=job_id, page_token=token)
        for name, value in answer["settings"].items():
            if isinstance(value, list):
                settings[name] = settings.get(name, []) + value
    return settings


def _same(wanted: JobSettings, current: dict[str, Any]) -> bool:
    """Tell whether a job reads as it would after being set so."""
    from control.jobs.wire import complete, tidy

    as_read = complete(wanted.model_dump(mode="json", exclude_none=True))
    try:
        return JobSettings.model_validate(tidy(current)) == JobSettings.model_validate(
            tidy(as_read)
        )
    except ValueError:
        return False
