"""Every table of the database, imported once so that the metadata is whole."""

import importlib

from sqlalchemy import MetaData
from sqlmodel import SQLModel

_MODULES = (
    "control.alerts.tables",
    "control.audit.tables",
    "control.console.tables",
    "control.deployments.tables",
    "control.files.tables",
    "control.gateway.tables",
    "control.jobs.tables",
    "control.lineage.tables",
    "control.logs.tables",
    "control.mlflow.tables",
    "control.notifications.tables",
    "control.permissions.tables",
    "control.policies.tables",
    "control.pools.tables",
    "control.queries.tables",
    "control.runs.tables",
    "control.secrets.tables",
    "control.statements.tables",
    "control.table_care.tables",
    "control.tokens.tables",
    "control.transactions.tables",
    "control.triggers.tables",
    "control.uploads.tables",
    "control.volumes.tables",
    "control.warehouses.tables",
    "control.workspaces.tables",
)


def metadata() -> MetaData:
    """Return the metadata of all tables; migrations and their drift test compare with it."""
    for module in _MODULES:
        importlib.import_module(module)
    return SQLModel.metadata
