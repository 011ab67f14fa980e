"""`openlake bundle`: check, deploy, run and remove what a `databricks.yml` describes."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.markup import escape

from control.cli.bundles.folder import LocalFolder, Reader, require_bundle
from control.cli.client import Api, sign_in
from control.cli.output import Output, OutputOption, console, errors, print_json
from spec.errors import Invalid, NotFound, OpenLakeError

if TYPE_CHECKING:
    from control.cli.bundles.deploying import Deployer
    from spec.bundle import Bundle
    from spec.bundle_ids import ResourceKey
    from spec.bundle_plan import Plan

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Check, deploy, run and remove what a databricks.yml describes.",
)

Folder = Annotated[Path, typer.Argument(help="The folder that holds databricks.yml.")]
FolderOption = Annotated[
    Path, typer.Option("--folder", help="The folder that holds databricks.yml.")
]
Target = Annotated[str | None, typer.Option("--target", "-t", help="One of the bundle's targets.")]
Variables = Annotated[
    list[str] | None, typer.Option("--var", help="name=value; again for more than one.")
]
Profile = Annotated[
    str | None, typer.Option("--profile", help="A profile of ~/.databrickscfg to sign in with.")
]
AutoApprove = Annotated[
    bool, typer.Option("--auto-approve", help="Do not ask, even when something is lost.")
]
ForceLock = Annotated[
    bool, typer.Option("--force-lock", help="Deploy even if somebody else is deploying.")
]


def signed_in(
    folder: Path, target: str | None, variables: Sequence[str], profile: str | None = None
) -> tuple[Api, Reader]:
    """Return a session with the bundle's workspace, and a reader of the bundle for its user."""
    from control.cli.bundles.lookups import find
    from spec.bundle import workspace_of

    require_bundle(folder)
    host, of_file = workspace_of(LocalFolder(folder), target)
    api = sign_in(host, profile or of_file)
    user = str(api.get("/api/2.0/preview/scim/v2/Me")["userName"])

    def look_up(kind: str, name: str) -> str:
        return find(api, kind, name)

    return api, Reader(folder, target, variables, user, api.url, look_up)


@app.command()
def validate(
    folder: Folder = Path(),
    target: Target = None,
    var: Variables = None,
    profile: Profile = None,
    output: OutputOption = Output.text,
) -> None:
    """Check everything and change nothing; `--output json` prints what it comes to.

    [dim]Example: openlake bundle validate docs/examples/flights --target trino[/dim]
    """
    try:
        _, reader = signed_in(folder, target, var or [], profile)
    except OpenLakeError as error:
        if isinstance(error, Invalid):
            raise
        # The files can be judged without the workspace; only who deploys is not known then.
        errors.print(f"[yellow]![/] checked without the workspace: {error.message}", soft_wrap=True)
        reader = Reader(folder, target, var or [])
    bundle = reader.read()
    _warn(bundle)
    if output is Output.json:
        print_json(_resolved(bundle))
        return
    tasks = sum(len(job.tasks) for job in bundle.jobs.values())
    others = len(bundle.resources) - len(bundle.jobs)
    console.print(
        f"[green]✓[/] {bundle.name} for target {bundle.target}: {len(bundle.jobs)} job(s),"
        f" {tasks} task(s), {others} other resource(s), {len(bundle.files)} file(s)"
    )


def _warn(bundle: "Bundle") -> None:
    for warning in bundle.warnings:
        errors.print(f"[yellow]![/] {warning}", markup=True, soft_wrap=True)


def _resolved(bundle: "Bundle") -> dict[str, Any]:
    """Return the bundle with everything filled in, in the form of its file."""
    from spec.bundle_ids import filled

    names = {stand_in: f"${{resources.{at}.id}}" for stand_in, at in bundle.stand_ins.items()}
    resources: dict[str, dict[str, Any]] = {}
    for each in bundle.resources:
        permissions = [entry.model_dump(exclude_none=True) for entry in each.permissions]
        settings = {**each.settings, **({"permissions": permissions} if permissions else {})}
        resources.setdefault(each.at.kind, {})[each.at.key] = filled(settings, names)
    return {
        "bundle": {"name": bundle.name, "target": bundle.target, "mode": bundle.mode},
        "workspace": {
            "host": bundle.host,
            "root_path": bundle.root_path,
            "file_path": bundle.file_path,
            "artifact_path": bundle.artifact_path,
        },
        "variables": {name: {"value": value} for name, value in bundle.variables.items()},
        "resources": resources,
        "files": [local for local, _ in bundle.files],
    }


def prepare(api: Api, reader: Reader) -> "Deployer":
    """Read the bundle, build its wheels, and get ready to deploy it."""
    from control.cli.bundles import state, wheels
    from control.cli.bundles.deploying import Deployer

    bundle = reader.read()
    if bundle.builds:
        bundle = reader.read(wheels.build(reader.folder, bundle.builds))
    _warn(bundle)
    return Deployer(api, bundle, reader.folder, reader.user, state.find(api, bundle))


@app.command()
def plan(
    folder: Folder = Path(),
    target: Target = None,
    var: Variables = None,
    profile: Profile = None,
    output: OutputOption = Output.text,
) -> None:
    """Show what deploying would do, and change nothing.

    [dim]Example: openlake bundle plan --target prod[/dim]
    """
    from control.cli.bundles.showing import plan_json, show_plan

    deployer = prepare(*signed_in(folder, target, var or [], profile))
    planned = deployer.plan()
    if output is Output.json:
        print_json(plan_json(planned, deployer.names()))
    else:
        show_plan(planned, deployer.names())


@app.command()
def deploy(
    folder: Folder = Path(),
    target: Target = None,
    var: Variables = None,
    profile: Profile = None,
    auto_approve: AutoApprove = False,
    force_lock: ForceLock = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    output: OutputOption = Output.text,
) -> None:
    """Make the workspace as the bundle says; doing it again changes nothing.

    [dim]Example: openlake bundle deploy docs/examples/flights[/dim]
    """
    from control.cli.bundles.showing import plan_json, show_plan

    deployer = prepare(*signed_in(folder, target, var or [], profile))
    planned = deployer.plan()
    is_text = output is Output.text
    if is_text:
        show_plan(planned, deployer.names())
    if dry_run:
        if not is_text:
            print_json(plan_json(planned, deployer.names()))
        return
    _approve(planned, auto_approve)
    made = carry_out(deployer, planned, force_lock=force_lock, quiet=not is_text)
    if is_text:
        for step in planned.steps:
            if step.at in made:
                console.print(_done(step.at, made[step.at], deployer, planned))
        return
    print_json(_deployed(deployer, planned, made))


def _done(at: "ResourceKey", object_id: str, deployer: "Deployer", planned: "Plan") -> str:
    from control.cli.bundles.deploying import DONE
    from spec.bundle_resources import KINDS

    action = next(DONE[step.action] for step in planned.steps if step.at == at)
    return f"[green]✓[/] {KINDS[at.kind].word} {escape(at.key)} {action} (id {escape(object_id)})"


def _deployed(
    deployer: "Deployer", planned: "Plan", made: "dict[ResourceKey, str]"
) -> dict[str, Any]:
    from control.cli.bundles.deploying import DONE

    answer: dict[str, Any] = {}
    for step in planned.steps:
        entry: dict[str, Any] = {"action": DONE[step.action]}
        if step.at in made:
            entry["id"] = made[step.at]
            if step.at.kind == "jobs":
                entry["job_id"] = int(made[step.at])
        answer.setdefault(step.at.kind, {})[step.at.key] = entry
    return answer


def _approve(planned: "Plan", auto_approve: bool) -> None:
    """Refuse what the bundle forbids, and ask before something is lost.

    Raises:
        Invalid: there is nobody to ask, or the bundle forbids it.
        typer.Abort: the person said no.
    """
    if planned.forbidden:
        names = ", ".join(str(step.at) for step in planned.forbidden)
        raise Invalid(f"{names}: lifecycle.prevent_destroy forbids to delete this; nothing is done")
    if not planned.losses or auto_approve:
        return
    lost = "; ".join(f"{step.at} loses {step.loses}" for step in planned.losses)
    if not (console.is_terminal and sys.stdin.isatty()):
        raise Invalid(f"{lost}; nothing is done: give --auto-approve if that is meant")
    typer.confirm(f"{lost}. Go on?", abort=True)


def carry_out(
    deployer: "Deployer", planned: "Plan", *, force_lock: bool = False, quiet: bool = False
) -> "dict[ResourceKey, str]":
    """Do what is planned, under the deployment's lock; return the ids of all resources.

    Where there is nothing to do nothing is written at all.
    """
    from control.cli.bundles.state import locked

    if planned.is_empty and deployer.is_settled and deployer.version:
        return {step.at: step.object_id for step in planned.steps if step.object_id is not None}

    def say(line: str) -> None:
        if not quiet:
            console.print(f"  [dim]·[/] {line}", soft_wrap=True)

    with locked(deployer.api, deployer.bundle, deployer.version, force=force_lock) as lock:
        made = deployer.apply(planned, lock, say)
        lock.finish("deployed")
    return made


@app.command()
def destroy(
    folder: Folder = Path(),
    target: Target = None,
    var: Variables = None,
    profile: Profile = None,
    auto_approve: AutoApprove = False,
    force_lock: ForceLock = False,
    output: OutputOption = Output.text,
) -> None:
    """Delete what was deployed, and only that; doing it again does nothing.

    [dim]Example: openlake bundle destroy --target dev --auto-approve[/dim]
    """
    from control.cli.bundles import state
    from control.cli.bundles.deploying import Deployer
    from control.cli.bundles.showing import plan_json, show_plan
    from control.cli.bundles.state import locked

    api, reader = signed_in(folder, target, var or [], profile)
    bundle = reader.read()
    deployer = Deployer(api, bundle, folder, reader.user, state.find(api, bundle))
    is_text = output is Output.text
    if deployer.state is None:
        if is_text:
            console.print(f"Nothing of {bundle.name} is deployed to {bundle.target}.")
        else:
            print_json({"resources": {}, "permissions": [], "files": {}})
        return
    planned = deployer.plan_destroy()
    if is_text:
        show_plan(planned, deployer.names())
    _approve(planned, auto_approve)

    def say(line: str) -> None:
        if is_text:
            console.print(f"  [dim]·[/] {line}", soft_wrap=True)

    with locked(api, bundle, deployer.version, force=force_lock) as lock:
        deployer.destroy(planned, lock, say)
        lock.finish("destroyed")
    if is_text:
        console.print(f"[green]✓[/] {bundle.name} is gone from {bundle.target}")
    else:
        print_json(plan_json(planned, deployer.names()))


@app.command()
def summary(
    folder: Folder = Path(),
    target: Target = None,
    var: Variables = None,
    profile: Profile = None,
    output: OutputOption = Output.text,
) -> None:
    """Show what the bundle has put into the workspace, and where.

    [dim]Example: openlake bundle summary --output json[/dim]
    """
    from control.cli.bundles import state
    from control.cli.bundles.resources import adapters

    api, reader = signed_in(folder, target, var or [], profile)
    bundle = reader.read()
    found = state.find(api, bundle)
    pages = adapters(api, bundle.root_path)
    made = {(e.kind, e.key): e for e in (found.resources if found is not None else ())}
    names = {(e.at.kind, e.at.key): e.name for e in bundle.resources}
    rows: dict[str, dict[str, Any]] = {}
    for kind, key in {**dict.fromkeys(names), **dict.fromkeys(made)}:
        entry = made.get((kind, key))
        object_id = entry.object_id if entry is not None else None
        name = entry.name if entry is not None else names[kind, key]
        url = f"{api.url}{pages[kind].page(object_id)}" if object_id is not None else None
        rows.setdefault(kind, {})[key] = {"name": name, "id": object_id, "url": url}
    if output is Output.json:
        print_json(
            {
                "bundle": {"name": bundle.name, "target": bundle.target},
                "workspace": {"host": api.url, "root_path": bundle.root_path},
                "user": reader.user,
                "deployment_id": found.deployment_id if found is not None else None,
                "deployed_by": found.deployed_by if found is not None else None,
                "deployed_at": found.deployed_at if found is not None else None,
                "resources": rows,
            }
        )
        return
    console.print(f"[bold]{bundle.name}[/] on {bundle.target}, as {reader.user} at {api.url}")
    console.print(f"[dim]{bundle.root_path}[/]", soft_wrap=True)
    if not rows:
        console.print("The bundle has no resources.")
        return
    for kind, entries in rows.items():
        console.print(f"[bold]{kind}[/]")
        for key, each in entries.items():
            where = f"{each['id']}  {each['url']}" if each["id"] else "not deployed"
            line = f"  {key}  {each['name']}  {where}"
            console.print(escape(line), soft_wrap=True)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def run(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="The job's key under resources.jobs.")],
    folder: FolderOption = Path(),
    target: Target = None,
    var: Variables = None,
    profile: Profile = None,
    params: Annotated[
        list[str] | None,
        typer.Option("--params", help="name=value of a job parameter; again for more."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Run these tasks only, separated by commas."),
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the end.")] = False,
    output: OutputOption = Output.text,
) -> None:
    """Run a deployed job and follow it; fails when the run fails.

    What follows `--` goes to the job: as `--name value` to its parameters, and to its Python tasks
    as it is where it has none.

    [dim]Example: openlake bundle run nightly --only ingest,clean -- --month 2[/dim]
    """
    from control.cli.runs import finish, parse_parameters

    api, reader = signed_in(folder, target, var or [], profile)
    bundle = reader.read()
    key = key.removeprefix("jobs.")
    body: dict[str, Any] = {"job_id": deployed_job(api, bundle, key)}
    given = parse_parameters([pair for each in params or [] for pair in each.split(",")])
    if context.args and bundle.jobs[key].parameters:
        given |= _as_parameters(context.args)
    elif context.args:
        body["python_params"] = context.args
    if given:
        body["job_parameters"] = given
    if only:
        body["only"] = [task for each in only for task in each.split(",")]
    run_id = int(api.post("/api/2.2/jobs/run-now", body)["run_id"])
    page = urlsplit(str(api.get("/api/2.2/jobs/runs/get", run_id=run_id)["run_page_url"]))
    # By the address that reached the API from here.
    url = f"{api.url}{page.path}?{page.query}"
    if no_wait:
        answer = {"run_id": run_id, "run_page_url": url}
        print_json(answer) if output is Output.json else console.print(f"run {run_id} {url}")
        return
    if output is Output.text:
        console.print(f"[dim]{url}[/]", soft_wrap=True)
    finish(api, run_id, output)


def deployed_job(api: Api, bundle: "Bundle", key: str) -> int:
    """Return the id of a job by its key in the bundle.

    Raises:
        NotFound: the bundle has no such job, or it is not deployed.
    """
    from control.cli.bundles import state

    if key not in bundle.jobs:
        known = ", ".join(f"'{each}'" for each in bundle.jobs) or "none"
        raise NotFound(f"the bundle has no job '{key}'; it has {known}")
    found = state.find(api, bundle)
    for each in found.resources if found is not None else ():
        if (each.kind, each.key) == ("jobs", key) and each.object_id is not None:
            return int(each.object_id)
    raise NotFound(f"the job '{key}' is not deployed; `openlake bundle deploy` does that")


def _as_parameters(words: Sequence[str]) -> dict[str, str]:
    """Read `--name value` and `--name=value`.

    Raises:
        Invalid: a word is neither.
    """
    given: dict[str, str] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name or not (equals or waiting):
            raise Invalid(f"'{word}' is not written as --name value; these are job parameters")
        given[name] = value if equals else waiting.pop(0)
    return given


@app.command()
def bind(
    resource: Annotated[str, typer.Argument(help="As in the bundle, e.g. jobs.nightly.")],
    object_id: Annotated[str, typer.Argument(help="The id of what is there already.")],
    folder: FolderOption = Path(),
    target: Target = None,
    var: Variables = None,
    profile: Profile = None,
    force_lock: ForceLock = False,
) -> None:
    """Let the bundle take over what is there already; the next deploy makes it as the file says.

    [dim]Example: openlake bundle bind jobs.nightly 7[/dim]
    """
    from control.cli.bundles import state
    from control.cli.bundles.deploying import Deployer

    api, reader = signed_in(folder, target, var or [], profile)
    bundle = reader.read()
    deployer = Deployer(api, bundle, folder, reader.user, state.find(api, bundle))
    found = next((each for each in bundle.resources if str(each.at) == resource), None)
    if found is None:
        known = ", ".join(str(each.at) for each in bundle.resources) or "none"
        raise NotFound(f"the bundle has no resource '{resource}'; it has {known}")
    if found.at in deployer.deployed:
        raise Invalid(f"{resource} is deployed already; `openlake bundle summary` shows it")
    if deployer.adapters[found.at.kind].read(object_id, {}) is None:
        raise NotFound(f"there is no {resource} with the id {object_id} in the workspace")
    with state.locked(api, bundle, deployer.version, force=force_lock) as lock:
        lock.made(found.at, found.name, object_id)
        lock.finish("deployed")
    console.print(f"[green]✓[/] {resource} is {escape(object_id)} from now on")


@app.command()
def schema() -> None:
    """Print the JSON Schema of databricks.yml, for editors.

    [dim]Example: openlake bundle schema > bundle.schema.json[/dim]
    """
    from spec.bundle_schema import bundle_schema

    print_json(bundle_schema())
