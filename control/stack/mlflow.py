"""The MLflow server: runs in PostgreSQL, artifacts in the object store, proxied by itself.

Its workspaces (a header of each call) are ours; only `control/mlflow` reaches it.
"""

import os
import subprocess
import sys
from importlib.metadata import version as package_version

from control.stack.environment import PYTHON_QUIET
from control.stack.layout import LOOPBACK
from control.stack.part import Command, Part, check_http, write_private
from spec.errors import Unavailable


class Mlflow(Part):
    """One server process with one worker; credentials come from files only it reads."""

    name = "mlflow"
    title = "MLflow"
    needs = ("postgres", "minio")
    ports = ("mlflow",)
    start_timeout_s = 120.0
    advice = "read `openlake logs mlflow`; it needs PostgreSQL and the object store"

    def version(self) -> str:
        """See base class."""
        return package_version("mlflow")

    def prepare(self) -> None:
        """Write the credentials in the forms that libpq and boto3 read."""
        port = self.layout.settings.ports.postgres
        password = self.layout.secret("postgres-mlflow")
        write_private(self.folder / "pgpass", f"{LOOPBACK}:{port}:mlflow:mlflow:{password}\n")
        access = self.layout.s3("mlflow")
        write_private(
            self.folder / "aws-credentials",
            f"[default]\naws_access_key_id={access.access_key}\n"
            f"aws_secret_access_key={access.secret_key}\n",
        )

        self._upgrade_schema()

    def _upgrade_schema(self) -> None:
        """Bring the database of an older MLflow to this one's schema; a new one makes itself."""
        marker = self.folder / "schema-version"
        before = marker.read_text() if marker.exists() else self.version()
        if before != self.version():
            done = subprocess.run(
                [sys.executable, "-m", "mlflow", "db", "upgrade", self._database],
                env={**os.environ, **self._environment()},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise Unavailable(
                    f"MLflow's database could not be brought from {before} to {self.version()}: "
                    f"{done.stderr.strip().splitlines()[-1:]}"
                )
        marker.write_text(self.version())

    def command(self) -> Command:
        """Start the server that `mlflow server` would start, without the parent that waits for it.

        That parent only waits, with 200 MiB of memory and three seconds of imports of its own.
        """
        return Command(
            argv=(
                *(sys.executable, "-m", "uvicorn", "--host", LOOPBACK, "--port", str(self.port())),
                *("--log-level", "warning", "--no-access-log", "--timeout-keep-alive", "75"),
                "--factory",
                "control.stack.mlflow_app:create_app",
            ),
            env=self._environment(),
            cwd=self.folder,
        )

    @property
    def _database(self) -> str:
        port = self.layout.settings.ports.postgres
        return f"postgresql+psycopg2://mlflow@{LOOPBACK}:{port}/mlflow"

    def _environment(self) -> dict[str, str]:
        store = self.layout.settings.object_store
        return {
            **PYTHON_QUIET,
            # What `mlflow server` hands to its workers; a test compares the names with MLflow's.
            "_MLFLOW_SERVER_FILE_STORE": self._database,
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"s3://{store.bucket}/mlflow",
            "_MLFLOW_SGI_NAME": "uvicorn",
            "MLFLOW_ENABLE_WORKSPACES": "true",
            "OPENLAKE_MLFLOW_SECRET_FILE": str(self.layout.secrets_dir / "mlflow"),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "5",
            "MLFLOW_S3_ENDPOINT_URL": self.layout.s3_endpoint,
            "PGPASSFILE": str(self.folder / "pgpass"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DEFAULT_REGION": store.region,
            "DO_NOT_TRACK": "true",
            "PYTHONWARNINGS": "ignore",
        }

    def check(self) -> None:
        """See base class."""
        check_http(f"{self.address}/health")
