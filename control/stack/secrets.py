"""Secrets of the local stack: made once, one file each, readable by its owner only."""

import os
import secrets
from pathlib import Path
from typing import Literal, get_args

from spec.errors import Unavailable

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
    "signing-key",
    "worker-token",
    "trino-token",
    "token",
]
"""`token` is the first personal access token; `openlake token bootstrap` writes it."""

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


def ensure_secrets(folder: Path) -> None:
    """Make every secret that does not exist yet, except the first personal access token."""
    for name in NAMES:
        if name != "token" and not (folder / name).is_file():
            write_secret(folder, name, _fresh(name))


def _fresh(name: SecretName) -> str:
    if name.endswith("access-key"):
        # MinIO takes 3 to 20 characters; the prefix tells the keys apart in its audit log.
        return f"{name.split('-')[1]}-{secrets.token_hex(4)}"
    return secrets.token_hex(20 if name.endswith("secret-key") else 32)
