import stat

import pytest
from pydantic import SecretStr

from control.config import AirflowConnection, ObjectStore, Settings
from control.stack.environment import settings_environment
from control.stack.layout import Layout
from control.stack.parts import parts_of
from control.stack.secrets import ensure_secrets, keep_airflow, write_secret
from spec.errors import Invalid, Unavailable


def with_secrets(layout: Layout) -> Layout:
    ensure_secrets(layout.secrets_dir, layout.settings.object_store)
    return layout


def with_store(layout: Layout, store: ObjectStore) -> Layout:
    return Layout(layout.settings.model_copy(update={"object_store": store}))


EXTERNAL = ObjectStore(endpoint="http://store:9000", access_key="mine", secret_key="secret!")  # pyright: ignore[reportArgumentType]


def test_secrets_are_made_once_and_closed_to_others(layout: Layout) -> None:
    with_secrets(layout)
    before = layout.secret("signing-key")
    with_secrets(layout)
    assert layout.secret("signing-key") == before
    assert stat.S_IMODE(layout.secrets_dir.stat().st_mode) == 0o700
    for file in layout.secrets_dir.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_missing_secret_says_what_to_do(layout: Layout) -> None:
    with pytest.raises(Unavailable, match="openlake up"):
        layout.secret("token")


def test_keys_are_as_long_as_minio_takes_them(layout: Layout) -> None:
    for user in ("root", "lakehouse", "mlflow"):
        access = with_secrets(layout).s3(user)
        assert 3 <= len(access.access_key) <= 20
        assert 8 <= len(access.secret_key) <= 40
        assert access.secret_key not in repr(access)


def test_another_store_has_its_own_keys_for_everybody(layout: Layout) -> None:
    other = with_secrets(with_store(layout, EXTERNAL))
    assert other.s3_endpoint == "http://store:9000"
    assert other.s3("lakehouse").access_key == other.s3("root").access_key == "mine"


def test_passwords_are_quoted_in_urls(layout: Layout) -> None:
    write_secret(layout.secrets_dir, "postgres-mlflow", "a/b@c")
    assert "mlflow:a%2Fb%40c@127.0.0.1" in layout.postgres_url("mlflow", "psycopg2")


def test_processes_get_the_same_settings_without_secrets(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = settings_environment(with_store(layout, EXTERNAL))
    assert "secret!" not in "".join(variables.values())
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    again = Settings(_env_file=None)  # pyright: ignore[reportCallIssue]
    assert again.ports == layout.settings.ports
    assert again.data_dir == layout.data_dir
    assert again.object_store.endpoint == EXTERNAL.endpoint


def test_the_engine_worker_gets_airflows_password_by_a_closed_file(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '{"prod": {"url": "http://airflow:8080", "username": "me", "password": "hush!"}}'
    monkeypatch.setenv("OPENLAKE_WORKER__AIRFLOW", text)
    worker = Settings(_env_file=None).worker  # pyright: ignore[reportCallIssue]
    assert "hush!" not in repr(worker) + worker.model_dump_json()
    keep_airflow(layout.secrets_dir, worker.airflow)
    assert stat.S_IMODE((layout.secrets_dir / "airflow").stat().st_mode) == 0o600
    settings = layout.settings.model_copy(update={"worker": worker})
    assert "hush!" not in "".join(settings_environment(Layout(settings)).values())
    # The worker's own process has neither the variable nor the settings.
    assert layout.airflow["prod"].password == worker.airflow["prod"].password


def test_changed_airflow_connections_start_the_engine_worker_anew(layout: Layout) -> None:
    (worker,) = [part for part in parts_of(layout) if part.name == "engine-worker"]
    before = worker.command().fingerprint("1")
    keep_airflow(layout.secrets_dir, {"a": AirflowConnection(url="http://a", token=SecretStr("t"))})
    assert worker.command().fingerprint("1") != before


@pytest.mark.parametrize(
    "given", [{}, {"username": "me"}, {"token": "t", "username": "a", "password": "b"}]
)
def test_an_airflow_connection_has_one_way_to_sign_in(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either 'username' and 'password', or 'token'"):
        AirflowConnection.model_validate({"url": "http://a", **given})


def test_a_store_of_the_settings_takes_minios_place(layout: Layout) -> None:
    names = [part.name for part in parts_of(with_store(layout, EXTERNAL), "embedded")]
    assert "minio" not in names
    assert "nessie" in names


def test_chosen_parts_bring_what_they_need(layout: Layout) -> None:
    names = [part.name for part in parts_of(layout, only=["nessie"])]
    assert names == ["postgres", "minio", "nessie"]


def test_an_unknown_part_is_refused_with_the_known_ones(layout: Layout) -> None:
    with pytest.raises(Invalid, match="postgres, minio"):
        parts_of(layout, only=["oracle"])


def test_parts_have_ports_that_exist(layout: Layout) -> None:
    for part in parts_of(layout, "full"):
        assert all(part.port(name) for name in part.ports)
        assert part.advice
