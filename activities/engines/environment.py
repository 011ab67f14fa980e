"""The environment of user code, built from nothing: what the attempt needs and no more."""

from pathlib import Path

import activities
from activities.config import WorkerConfig
from activities.folder import AttemptFolder
from activities.libraries.python import interpreter
from activities.processes import MARKER
from spec.attempts import AttemptWork

ROOT = Path(activities.__file__).parents[1]
"""Where our own packages are; on the path of our own programs only."""

RUNTIME = Path(activities.__file__).parent / "runtime"
"""On the path of user code: the package `dbruntime` and nothing else."""

PROGRAMS = Path(activities.__file__).parent / "programs"
"""Programs that are started by path."""


def base_environment(
    config: WorkerConfig, work: AttemptWork, folder: AttemptFolder
) -> dict[str, str]:
    """Return the variables every local process of an attempt gets.

    What the user asked for wins over what points at parts of the stack, and over nothing that the
    process cannot do without.
    """
    pointers = _storage(work) | _catalog(work) | _lineage(work, folder) | _mlflow(config, work)
    pointers |= _databricks(config, work)
    pointers |= work.environment
    own = _essentials(config, work, folder)
    return pointers | work.compute.environment | own


def _essentials(config: WorkerConfig, work: AttemptWork, folder: AttemptFolder) -> dict[str, str]:
    python = interpreter(config, work.compute.python)
    programs = dict.fromkeys([str(python.parent), str(config.python.parent)])
    imports = [str(RUNTIME), *(str(folder.work / root) for root in work.compute.import_roots)]
    if asked := work.compute.environment.get("PYTHONPATH"):
        imports.append(asked)
    environment = {
        "PATH": ":".join([*programs, "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(folder.work),
        "TMPDIR": str(folder.tmp),
        "LANG": "C.UTF-8",
        "USER": "openlake",
        "LOGNAME": "openlake",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": ":".join(imports),
        MARKER: folder.mark,
        "OPENLAKE_JOB_ID": str(work.ref.job_id),
        "OPENLAKE_RUN_ID": str(work.ref.run_id),
        "OPENLAKE_TASK_RUN_ID": str(work.ref.task_run_id),
        "OPENLAKE_TASK_KEY": work.ref.task_key,
        "OPENLAKE_CONTEXT": str(folder.given / "context.json"),
        "OPENLAKE_OUT": str(folder.out),
        "OPENLAKE_API_URL": config.control_url,
        "OPENLAKE_API_TOKEN": work.api_token,
    }
    if config.java_home is not None:
        environment["JAVA_HOME"] = str(config.java_home)
    return environment


def _storage(work: AttemptWork) -> dict[str, str]:
    storage = work.storage
    environment = {
        "AWS_ACCESS_KEY_ID": storage.access_key,
        "AWS_SECRET_ACCESS_KEY": storage.secret_key,
        "AWS_REGION": storage.region,
        "AWS_DEFAULT_REGION": storage.region,
        "AWS_ENDPOINT_URL_S3": storage.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if storage.session_token is not None:
        environment["AWS_SESSION_TOKEN"] = storage.session_token
    return environment


def _databricks(config: WorkerConfig, work: AttemptWork) -> dict[str, str]:
    """Let `WorkspaceClient()` of Databricks' SDK work without arguments, as it does there.

    The attempt's token opens files and secrets alone. A task that sets these variables itself, to
    reach another workspace, has its own.
    """
    return {"DATABRICKS_HOST": config.control_url, "DATABRICKS_TOKEN": work.api_token}


def _catalog(work: AttemptWork) -> dict[str, str]:
    """Let `load_catalog("lakehouse")` of PyIceberg work without arguments.

    Names are spelled as PyIceberg's documentation "Setting configuration values" says: two
    underscores separate levels, one stands for a dash.
    """
    catalog, storage = work.catalog, work.storage
    properties = {
        "TYPE": "rest",
        "URI": catalog.uri,
        "TOKEN": catalog.token,
        "WAREHOUSE": catalog.warehouse,
        "S3__ENDPOINT": storage.endpoint,
        "S3__REGION": storage.region,
        "S3__ACCESS_KEY_ID": storage.access_key,
        "S3__SECRET_ACCESS_KEY": storage.secret_key,
    }
    if storage.session_token is not None:
        properties["S3__SESSION_TOKEN"] = storage.session_token
    prefix = f"PYICEBERG_CATALOG__{catalog.name.upper()}__"
    named = {prefix + name: value for name, value in properties.items()}
    return named | {"PYICEBERG_DEFAULT_CATALOG": catalog.name}


def _mlflow(config: WorkerConfig, work: AttemptWork) -> dict[str, str]:
    """Let `import mlflow` log to the attempt's experiment, through the API's proxy."""
    return {"MLFLOW_TRACKING_URI": config.control_url, "MLFLOW_TRACKING_TOKEN": work.api_token}


def _lineage(work: AttemptWork, folder: AttemptFolder) -> dict[str, str]:
    """Let OpenLineage clients write into a file that the worker ships, whoever is down."""
    parent = work.lineage
    return {
        "OPENLINEAGE_NAMESPACE": parent.namespace,
        "OPENLINEAGE_PARENT_ID": f"{parent.namespace}/{parent.job_name}/{parent.run_id}",
        "OPENLINEAGE_PARENT_RUN_ID": parent.run_id,
        "OPENLINEAGE_PARENT_JOB_NAME": parent.job_name,
        "OPENLINEAGE_PARENT_JOB_NAMESPACE": parent.namespace,
        "OPENLINEAGE_ROOT_PARENT_RUN_ID": parent.parent_run_id,
        "OPENLINEAGE_ROOT_PARENT_JOB_NAME": parent.parent_job_name,
        "OPENLINEAGE_ROOT_PARENT_JOB_NAMESPACE": parent.namespace,
        "OPENLINEAGE__TRANSPORT__TYPE": "file",
        "OPENLINEAGE__TRANSPORT__LOG_FILE_PATH": str(folder.lineage),
        "OPENLINEAGE__TRANSPORT__APPEND": "true",
    }
