"""The MLflow server: runs in PostgreSQL, artifacts in the object store, proxied by itself."""

import sys
from importlib.metadata import version as package_version

from control.stack.environment import PYTHON_QUIET
from control.stack.layout import LOOPBACK
from control.stack.part import Command, Part, check_http, write_private


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

    def command(self) -> Command:
        """See base class."""
        store = self.layout.settings.object_store
        database = f"{LOOPBACK}:{self.layout.settings.ports.postgres}/mlflow"
        return Command(
            argv=(
                *(sys.executable, "-m", "mlflow", "server"),
                *("--host", LOOPBACK, "--port", str(self.port()), "--workers", "1"),
                *("--backend-store-uri", f"postgresql+psycopg2://mlflow@{database}"),
                *("--artifacts-destination", f"s3://{store.bucket}/mlflow"),
                *("--uvicorn-opts", "--log-level warning"),
            ),
            env={
                **PYTHON_QUIET,
                "PGPASSFILE": str(self.folder / "pgpass"),
                "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "aws-credentials"),
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_DEFAULT_REGION": store.region,
                "MLFLOW_S3_ENDPOINT_URL": self.layout.s3_endpoint,
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "DO_NOT_TRACK": "true",
                "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "5",
            },
            cwd=self.folder,
        )

    def check(self) -> None:
        """See base class."""
        check_http(f"{self.address}/health")
