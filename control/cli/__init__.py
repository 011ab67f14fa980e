"""`openlake`: the command line, and the one composition root."""

from typing import Annotated

import typer

from control.cli.lazy import Lazy, LazyGroup

_STACK, _WORK, _PROCESSES = "The stack", "Your work", "Single processes of the stack"


class Commands(LazyGroup):
    """Every command by name; a module is imported when its command runs."""

    table = {
        "up": Lazy("control.cli.stack:up", "Start the stack, or mend what has died.", _STACK),
        "down": Lazy("control.cli.stack:down", "Stop what `up` started, and only that.", _STACK),
        "restart": Lazy("control.cli.stack:restart", "Stop parts and start them again.", _STACK),
        "status": Lazy("control.cli.stack:status", "Show what is running.", _STACK),
        "logs": Lazy("control.cli.stack:logs", "Show the log of one part.", _STACK),
        "doctor": Lazy("control.cli.doctor:doctor", "Say what is ill and what to do.", _STACK),
        "env": Lazy("control.cli.stack:env", "Print the variables that clients need.", _STACK),
        "install": Lazy("control.cli.stack:install", "Fetch and build the tools.", _STACK),
        "console": Lazy("control.cli.web:web_console", "Open the web console, signed in.", _WORK),
        "demo": Lazy("control.cli.demo:demo", "Run the example job and follow it.", _WORK),
        "bundle": Lazy("control.cli.bundle:app", "Check and deploy a databricks.yml.", _WORK),
        "jobs": Lazy("control.cli.jobs:app", "List, read and run jobs.", _WORK),
        "runs": Lazy("control.cli.runs:app", "Look at runs, follow and cancel them.", _WORK),
        "catalogs": Lazy("control.cli.catalogs:catalogs", "See the catalogs of tables.", _WORK),
        "schemas": Lazy("control.cli.catalogs:schemas", "See the schemas of a catalog.", _WORK),
        "tables": Lazy("control.cli.tables:app", "Look at tables and who wrote them.", _WORK),
        "sql": Lazy("control.cli.sql:sql", "Run SQL, or begin a prompt.", _WORK),
        "queries": Lazy("control.cli.queries:app", "Keep, run and restore queries.", _WORK),
        "fs": Lazy("control.cli.fs:app", "Copy, list and delete files of the stack.", _WORK),
        "secrets": Lazy("control.cli.secrets:app", "Keep secrets that tasks read.", _WORK),
        "warehouses": Lazy(
            "control.cli.warehouses:app", "Start, stop and change SQL warehouses.", _WORK
        ),
        "permissions": Lazy(
            "control.cli.permissions:app", "See and say who may do what with an object.", _WORK
        ),
        "policies": Lazy("control.cli.policies:app", "Make and read cluster policies.", _WORK),
        "schedule": Lazy("control.cli.schedule:app", "Say when a schedule fires.", _WORK),
        "airflow": Lazy("control.cli.airflow:app", "Write jobs as Airflow DAGs.", _WORK),
        "notifications": Lazy(
            "control.cli.notifications:app", "See who was told of runs; test destinations.", _WORK
        ),
        "workspace": Lazy("control.cli.workspaces:app", "Make and choose workspaces.", _WORK),
        "tokens": Lazy("control.cli.tokens:app", "Make, list and revoke tokens.", _WORK),
        "audit": Lazy("control.cli.audit:audit", "Show who did what.", _WORK),
        "token": Lazy("control.cli.workers:token", "Make the first token.", _PROCESSES),
        "api": Lazy("control.cli.workers:api", "The REST API.", _PROCESSES),
        "gateway": Lazy("control.cli.workers:gateway", "The catalog gateway.", _PROCESSES),
        "worker": Lazy("control.cli.workers:worker", "A control or engine worker.", _PROCESSES),
        "spark-connect": Lazy(
            "control.cli.spark_connect:spark_connect", "The warm Spark Connect server.", _PROCESSES
        ),
    }


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="OpenLake: durable data jobs over an open lakehouse.",
    epilog="A start: [bold]openlake up[/bold], then [bold]openlake demo[/bold].",
)


@app.callback()
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """OpenLake: durable data jobs over an open lakehouse."""
    if version:
        from importlib.metadata import version as package_version

        typer.echo(package_version("openlake-platform"))
        raise typer.Exit
