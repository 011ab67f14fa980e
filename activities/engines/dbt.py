"""dbt: a detached process in dbt's own environment, with a profile made for the attempt alone."""

import json
import posixpath
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from activities.config import WorkerConfig
from activities.engines.environment import ROOT
from activities.engines.local import Launch
from activities.folder import AttemptFolder
from activities.libraries.python import interpreter
from activities.sql.duckdb_limits import MEMORY, STORED_AS
from activities.sql.trino_client import USER, TrinoClient, kill_all
from spec.attempts import MOST_ARTIFACT_BYTES, AttemptWork, DbtProgram
from spec.errors import EngineRejected, EngineUnavailable
from spec.tasks import Engine

_THREADS = 4
_QUERIES = "queries.json"


def launch(
    config: WorkerConfig, work: AttemptWork, folder: AttemptFolder, program: DbtProgram
) -> Launch:
    """Write what `activities.programs.run_dbt` needs into the folder and return what to start.

    Raises:
        EngineRejected: the commands cannot be read, there is no project, or no such catalog.
    """
    project = folder.work / program.project
    if not (project / "dbt_project.yml").is_file():
        raise EngineRejected(f"There is no dbt project in '{program.project}': no dbt_project.yml")
    for command in program.commands:
        check_command(command)
    given = {
        "commands": program.commands,
        "warehouse": program.warehouse,
        "output": output(work, program, config.trino_url, folder.tmp),
        "key": work.key,
        "catalog": work.catalog.model_dump(),
        "stored_as": STORED_AS,
        "most_artifact_bytes": MOST_ARTIFACT_BYTES,
        "job": {
            "namespace": work.lineage.namespace,
            "name": work.lineage.job_name,
            "run_id": work.lineage.run_id,
        },
    }
    folder.write("given/dbt.json", json.dumps(given))
    if program.warehouse == Engine.TRINO:
        folder.write(_QUERIES, json.dumps({"trino": config.trino_url}))
    python = _python(config, work)
    argv = [str(python), "-P", "-m", "activities.programs.run_dbt"]
    return Launch(
        [*argv, str(folder.given / "dbt.json")],
        project,
        {
            "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "DBT_PROFILES_DIR": str(_profiles(folder, program)),
            "DBT_TARGET_PATH": str(project / "target"),
            "DBT_LOG_PATH": str(project / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
        },
    )


def check_command(command: str) -> list[str]:
    """Return the words of a command, which never sees a shell.

    Raises:
        EngineRejected: it cannot be split into words, or does not begin with `dbt`.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise EngineRejected(f"The command cannot be read ({error}): {command}") from error
    if words[:1] != ["dbt"]:
        raise EngineRejected(f"A dbt task's command begins with 'dbt', not so: {command}")
    return words


def output(
    work: AttemptWork, program: DbtProgram, trino_url: str | None, scratch: Path
) -> dict[str, Any] | None:
    """Return the output of a dbt profile that leads to the warehouse as this attempt.

    None when the project brings its own profiles.

    Raises:
        EngineRejected: the task names a catalog that there is not.
    """
    if program.warehouse is None:
        return None
    catalog = work.catalog.name
    if program.catalog not in (None, catalog):
        raise EngineRejected(
            f"There is no catalog '{program.catalog}'; the warehouses have '{catalog}'"
        )
    common = {"database": catalog, "schema": program.schema_name, "threads": _THREADS}
    if program.warehouse == Engine.TRINO:
        place = urlsplit(trino_url or "")
        return {
            "type": "trino",
            "method": "none",
            "user": USER,
            "host": place.hostname,
            "port": place.port,
            "http_scheme": place.scheme,
            "cert": True,
            "timezone": "UTC",
            **common,
        }
    return {"type": "duckdb", "path": ":memory:", **common, **_lakehouse(work, scratch)}


def _lakehouse(work: AttemptWork, scratch: Path) -> dict[str, Any]:
    """Return how dbt-duckdb attaches the catalog through the gateway."""
    catalog, storage = work.catalog, work.storage
    endpoint = urlsplit(storage.endpoint)
    keys = {
        "key_id": storage.access_key,
        "secret": storage.secret_key,
        "session_token": storage.session_token,
        "region": storage.region,
        "endpoint": endpoint.netloc,
        "url_style": "path",
        "use_ssl": "true" if endpoint.scheme == "https" else "false",
    }
    given = {name: value for name, value in keys.items() if value}
    return {
        "config_options": {
            "allow_unsigned_extensions": "true",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": MEMORY,
            "temp_directory": str(scratch / "duckdb"),
        },
        "secrets": [
            {"type": "s3", "name": "lakehouse_storage", **given},
            {"type": "iceberg", "name": "lakehouse_catalog", "token": catalog.token},
        ],
        "attach": [
            {
                "path": catalog.warehouse,
                "alias": catalog.name,
                "type": "iceberg",
                "secret": "lakehouse_catalog",
                "options": {"endpoint": catalog.uri, "access_delegation_mode": "none"},
            }
        ],
    }


async def stop_queries(folder: AttemptFolder) -> None:
    """Stop what dbt had under way in Trino and could not stop itself."""
    noted = folder.read_json(_QUERIES)
    if noted is None:
        return
    async with httpx2.AsyncClient(timeout=httpx2.Timeout(30, connect=3), trust_env=False) as http:
        try:
            await kill_all(TrinoClient(http, noted["trino"]), folder.key)
        except EngineUnavailable:
            # With its coordinator every query has died.
            return


def _profiles(folder: AttemptFolder, program: DbtProgram) -> Path:
    if program.warehouse is not None:
        return folder.tmp / "profiles"
    return folder.work / posixpath.join(program.project, program.profiles or "")


def _python(config: WorkerConfig, work: AttemptWork) -> Path:
    """Return dbt's own environment, or the one that the task's libraries make."""
    if work.compute.python is not None:
        return interpreter(config, work.compute.python)
    if config.dbt_python is None:
        raise EngineRejected("This worker has no dbt; run `openlake install dbt`")
    return config.dbt_python
