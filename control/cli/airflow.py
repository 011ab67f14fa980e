"""`openlake airflow`: write jobs as Airflow DAGs, and keep them in step."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from control.airflow import sync as keeper
from control.airflow.compile import Export, compile_dag, file_name
from control.cli.bundle import Target, Variables, deployed_job
from control.cli.bundles.folder import Reader
from control.cli.client import Api, connect
from control.cli.output import Output, OutputOption, console, errors, print_json
from spec.errors import Invalid, Unavailable

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Write jobs as Airflow DAGs, and keep them in step.",
)

DagsFolder = Annotated[Path, typer.Option(help="Airflow's folder of DAG files.")]


@app.command()
def export(
    job_id: Annotated[int | None, typer.Argument(help="As `openlake jobs list` shows it.")] = None,
    bundle_job: Annotated[
        str | None, typer.Option(help="Instead of the id: a deployed job's key in the bundle.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="The bundle's folder.")] = Path(),
    target: Target = None,
    var: Variables = None,
    output_dir: Annotated[
        Path | None, typer.Option(help="Where the file goes; printed when unset.")
    ] = None,
    whole: Annotated[bool, typer.Option(help="Make the whole job one Airflow task.")] = False,
    schedule: Annotated[
        bool, typer.Option(help="Let Airflow fire the job by its (paused) schedule.")
    ] = False,
) -> None:
    """Write one job as an Airflow DAG.

    [dim]Example: openlake airflow export 7 --output-dir ~/airflow/dags[/dim]
    """
    api = connect()
    if (job_id is None) == (bundle_job is None):
        raise Invalid("name one job: by its id, or by its key in a bundle (--bundle-job)")
    if bundle_job is not None:
        job_id = _deployed(api, folder, target, var or [], bundle_job)
    words = {"whole"} if whole else set[str]()
    wanted = _read(api, job_id or 0, words | ({"schedule"} if schedule else set[str]()))
    compiled = compile_dag(wanted)
    for note in compiled.notes:
        _warn(note)
    if output_dir is None:
        typer.echo(compiled.text, nl=False)
        return
    if not output_dir.is_dir():
        raise Invalid(f"{output_dir} is no folder")
    file = output_dir / file_name(wanted.job_id)
    written = keeper.write_atomically(file, compiled.text)
    console.print(f"[green]✓[/] {file} {'written' if written else 'unchanged'}")


def _read(api: Api, job_id: int, words: set[str]) -> Export:
    return keeper.read_export(api, job_id, words or None)


def _deployed(api: Api, folder: Path, target: str | None, variables: list[str], key: str) -> int:
    user = str(api.get("/api/2.0/preview/scim/v2/Me")["userName"])
    bundle = Reader(folder, target, variables, user, api.url).read()
    return deployed_job(api, bundle, key)


@app.command()
def sync(
    dags_folder: DagsFolder,
    watch: Annotated[bool, typer.Option(help="Go on until stopped.")] = False,
    interval: Annotated[float, typer.Option(help="Seconds between looks.", min=0.2)] = 10,
    output: OutputOption = Output.text,
) -> None:
    """Write, change and remove the DAGs of all jobs with the tag `airflow: export`.

    [dim]Example: openlake airflow sync --dags-folder ~/airflow/dags --watch[/dim]
    """
    if not dags_folder.is_dir():
        raise Invalid(f"{dags_folder} is no folder")
    api = connect()
    said: list[str] = []
    while True:
        try:
            changes = keeper.sync(api, dags_folder)
        except Unavailable as error:
            if not watch:
                raise
            _warn(error.message)
        else:
            news = [problem for problem in changes.problems if problem not in said]
            said, changes.problems = changes.problems, news
            _show(changes, output, is_quiet=watch)
        if not watch:
            return
        time.sleep(interval)


def _show(changes: keeper.Changes, output: Output, *, is_quiet: bool) -> None:
    if output is Output.json:
        print_json(changes.__dict__)
        return
    for problem in changes.problems:
        _warn(problem)
    for word, names in (("written", changes.written), ("removed", changes.removed)):
        for name in names:
            console.print(f"[green]✓[/] {name} {word}")
    if not is_quiet:
        console.print(f"{changes.same} unchanged")


def _warn(text: str) -> None:
    errors.print(f"[yellow]![/] {escape(text)}", soft_wrap=True)
