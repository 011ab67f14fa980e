"""Secrets of the local stack: made once, one file each, readable by its owner only."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args

from pydantic import SecretStr

from control.config import AirflowConnection, CatalogConnection, GitHost, Notifications, ObjectStore
from spec.errors import Invalid, Unavailable

SecretName = Literal[
    "postgres",
    "postgres-openlake",
    "postgres-nessie",
    "postgres-mlflow",
    "s3-root-access-key",
    "s3-root-secret-key",
    "s3-lakehouse-access-key",
    "s3-lakehouse-secret-key",
    "s3-mlflow-access-key",
    "s3-mlflow-secret-key",
    "s3-external-access-key",
    "s3-external-secret-key",
    "signing-key",
    "worker-token",
    "trino-token",
    "nessie-key",
    "mlflow",
    "sealing-key",
    "airflow",
    "git-hosts",
    "catalogs",
    "smtp-password",
    "token",
    "workspaces",
]
"""`airflow`, `git-hosts` and `catalogs` hold what the settings say of them, as JSON; `token` is the
first personal access token, which `openlake token bootstrap` writes, `workspaces` the tokens of
others that the command line keeps."""

_NOT_MADE_HERE = (
    *("token", "workspaces", "trino-token", "airflow", "git-hosts", "catalogs", "smtp-password"),
    *("s3-external-access-key", "s3-external-secret-key"),
)
NAMES: tuple[SecretName, ...] = get_args(SecretName)


def read_secret(folder: Path, name: str) -> str:
    """Return one secret.

    Raises:
        Unavailable: It was never made, or belongs to another user.
    """
    try:
        return (folder / name).read_text().strip()
    except FileNotFoundError:
        raise Unavailable(
            f"the secret '{name}' is missing in {folder}; run `openlake up` first", secret=name
        ) from None
    except PermissionError:
        raise Unavailable(
            f"the secrets in {folder} belong to another user; run as the user who ran `openlake up`"
        ) from None


def write_secret(folder: Path, name: SecretName, value: str) -> None:
    """Store one secret atomically with mode 0600 in a folder of mode 0700."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    draft = folder / f".{name}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / name)


def ensure_secrets(folder: Path, store: ObjectStore) -> None:
    """Make every secret that does not exist yet; keep the keys of an object store of the settings.

    The first personal access token is not made here, and no key of somebody else's store.
    """
    for name in NAMES:
        if name in _NOT_MADE_HERE or (folder / name).is_file():
            continue
        write_secret(folder, name, _fresh(name))
    if store.access_key and store.secret_key:
        write_secret(folder, "s3-external-access-key", store.access_key.get_secret_value())
        write_secret(folder, "s3-external-secret-key", store.secret_key.get_secret_value())


def keep_airflow(folder: Path, connections: Mapping[str, AirflowConnection]) -> None:
    """Store the Airflow connections of the settings, for the engine worker to read."""
    plain = {name: plain_connection(connection) for name, connection in sorted(connections.items())}
    write_secret(folder, "airflow", json.dumps(plain))


def keep_smtp(folder: Path, settings: Notifications) -> None:
    """Store the mail server's password of the settings, for the control worker to read.

    Raises:
        Invalid: there is a user name, and no password was ever given.
    """
    if settings.smtp_password is not None:
        write_secret(folder, "smtp-password", settings.smtp_password.get_secret_value())
    elif settings.smtp_username is not None and not (folder / "smtp-password").is_file():
        raise Invalid(
            "OPENLAKE_NOTIFICATIONS__SMTP_USERNAME is set without its password; set"
            " OPENLAKE_NOTIFICATIONS__SMTP_PASSWORD too"
        )


def keep_git_hosts(folder: Path, hosts: Mapping[str, GitHost]) -> None:
    """Store the tokens of git hosts of the settings, for the control plane to read."""
    plain = {
        host: {"user": each.user, "token": each.token.get_secret_value()}
        for host, each in sorted(hosts.items())
    }
    write_secret(folder, "git-hosts", json.dumps(plain))


def keep_catalogs(folder: Path, catalogs: Mapping[str, CatalogConnection]) -> None:
    """Store the other catalogs of the settings, for the API to read."""
    plain = {name: _plain_tree(each.model_dump()) for name, each in sorted(catalogs.items())}
    write_secret(folder, "catalogs", json.dumps(plain))


def _plain_tree(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is set in a tree of settings, secrets in the clear."""
    plain: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, SecretStr):
            plain[name] = value.get_secret_value()
        elif value is not None:
            inner = cast(dict[str, Any], value) if isinstance(value, dict) else None
            plain[name] = value if inner is None else _plain_tree(inner)
    return plain


def plain_connection(connection: AirflowConnection) -> dict[str, str]:
    """Return a connection's fields that are set, secrets in the clear."""
    given = connection.model_dump(exclude_none=True)
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in given.items()
    }


def _fresh(name: SecretName) -> str:
    if name == "nessie-key":
        # Cryptography is slow to import, and only the first `up` needs it here.
        from control.gateway.identity import make_key

        return make_key()
    if name.endswith("access-key"):
        # MinIO takes 3 to 20 characters; the prefix tells the keys apart in its audit log.
        return f"{name.split('-')[1]}-{secrets.token_hex(4)}"
    return secrets.token_hex(20 if name.endswith("secret-key") else 32)
