"""What dbt is started with: words, profile, environment; no server."""

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from activities.config import WorkerConfig
from activities.engines import dbt
from activities.folder import AttemptFolder
from spec.attempts import AttemptWork, DbtProgram, PythonLibraries, StorageAccess
from spec.errors import EngineRejected
from spec.tasks import Engine
from tests.activities.fakes import make_ref, make_work

TRINO = "http://trino.example:8085"


def work_of(**fields: Any) -> tuple[AttemptWork, DbtProgram]:
    program = DbtProgram(**({"commands": ("dbt run",), "project": "shop"} | fields))
    return make_work(make_ref(), program), program


def profile(**fields: Any) -> dict[str, Any]:
    made = dbt.output(*work_of(**fields), TRINO, Path("/scratch"))
    assert made is not None
    return made


@pytest.fixture
def ready(config: WorkerConfig, tmp_path: Path) -> tuple[WorkerConfig, AttemptFolder]:
    folder = AttemptFolder(tmp_path / "attempt", "openlake-7")
    folder.make()
    (folder.work / "shop").mkdir()
    (folder.work / "shop" / "dbt_project.yml").write_text("name: shop\n")
    return replace(config, dbt_python=Path("/dbt/bin/python"), trino_url=TRINO), folder


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("dbt run", ["dbt", "run"]),
        (" dbt  run --vars '{day: 2026-01-01}'", ["dbt", "run", "--vars", "{day: 2026-01-01}"]),
        ("dbt run; rm -rf / && $(id)", ["dbt", "run;", "rm", "-rf", "/", "&&", "$(id)"]),
    ],
)
def test_commands_become_words_and_never_see_a_shell(command: str, words: list[str]) -> None:
    assert dbt.check_command(command) == words


@pytest.mark.parametrize(
    ("command", "says"),
    [("rm -rf /", "begins with 'dbt'"), ("dbtx run", "begins with 'dbt'"), ("dbt 'x", "cannot be")],
)
def test_other_commands_are_refused(command: str, says: str) -> None:
    with pytest.raises(EngineRejected, match=says):
        dbt.check_command(command)


def test_the_trino_profile_leads_to_the_warehouse_and_holds_no_secret() -> None:
    made = profile(warehouse=Engine.TRINO, schema_name="gold", catalog="lakehouse")
    assert (made["type"], made["host"], made["port"]) == ("trino", "trino.example", 8085)
    assert (made["database"], made["schema"], made["http_scheme"]) == ("lakehouse", "gold", "http")
    assert "catalog-token" not in json.dumps(made)


def test_the_duckdb_profile_attaches_the_catalog_with_the_attempts_token() -> None:
    work, program = work_of(warehouse=Engine.DUCKDB)
    storage = StorageAccess(
        endpoint="https://s3.example",
        region="eu",
        access_key="a",
        secret_key="b",
        session_token="c",
    )
    made = dbt.output(work.model_copy(update={"storage": storage}), program, None, Path("/scratch"))
    assert made is not None
    assert (made["path"], made["database"], made["schema"]) == (":memory:", "lakehouse", "default")
    s3, catalog = made["secrets"]
    assert (s3["use_ssl"], s3["endpoint"], s3["session_token"]) == ("true", "s3.example", "c")
    assert catalog["token"] == "catalog-token"
    (attached,) = made["attach"]
    assert (attached["alias"], attached["type"]) == ("lakehouse", "iceberg")
    assert attached["options"]["endpoint"] == work.catalog.uri


def test_a_catalog_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(EngineRejected, match="no catalog 'main'; the warehouses have 'lakehouse'"):
        profile(warehouse=Engine.DUCKDB, catalog="main")


def test_without_a_warehouse_the_projects_own_profiles_count(
    ready: tuple[WorkerConfig, AttemptFolder],
) -> None:
    config, folder = ready
    work, program = work_of(profiles="profiles")
    started = dbt.launch(config, work, folder, program)
    assert started.environment["DBT_PROFILES_DIR"] == str(folder.work / "shop" / "profiles")
    assert json.loads((folder.given / "dbt.json").read_text())["output"] is None


def test_dbt_runs_in_its_own_environment_and_what_it_is_given_is_closed(
    ready: tuple[WorkerConfig, AttemptFolder],
) -> None:
    config, folder = ready
    started = dbt.launch(config, *_swap(folder, work_of(warehouse=Engine.TRINO)))
    assert started.argv[0] == "/dbt/bin/python"
    assert started.cwd == folder.work / "shop"
    given = folder.given / "dbt.json"
    assert stat.S_IMODE(given.stat().st_mode) == 0o600
    assert json.loads(given.read_text())["key"] == make_work(make_ref()).key


def _swap(
    folder: AttemptFolder, made: tuple[AttemptWork, DbtProgram]
) -> tuple[AttemptWork, AttemptFolder, DbtProgram]:
    return made[0], folder, made[1]


def test_a_tasks_own_libraries_bring_their_own_dbt(
    ready: tuple[WorkerConfig, AttemptFolder],
) -> None:
    config, folder = ready
    work, program = work_of()
    libraries = PythonLibraries(requirements=("dbt-duckdb==1.11.1",))
    own = work.model_copy(update={"compute": work.compute.model_copy(update={"python": libraries})})
    started = dbt.launch(config, own, folder, program)
    assert started.argv[0] != "/dbt/bin/python"


def test_a_folder_without_a_project_is_refused(
    ready: tuple[WorkerConfig, AttemptFolder],
) -> None:
    config, folder = ready
    work, program = work_of(project="elsewhere")
    with pytest.raises(EngineRejected, match=r"no dbt project in 'elsewhere'"):
        dbt.launch(config, work, folder, program)


def test_a_worker_without_dbt_says_how_to_get_it(
    ready: tuple[WorkerConfig, AttemptFolder],
) -> None:
    config, folder = ready
    with pytest.raises(EngineRejected, match="openlake install dbt"):
        dbt.launch(replace(config, dbt_python=None), *_swap(folder, work_of()))
