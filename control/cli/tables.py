"""Reads rows of a table for a person at the terminal, through the catalog gateway."""

from datetime import UTC, datetime, timedelta
from typing import Any

from control.gateway.tokens import PrincipalClaims, issue
from control.stack.layout import Layout
from control.tokens.service import FIRST_USER, FIRST_WORKSPACE


def open_catalog(layout: Layout) -> Any:
    """Return a PyIceberg catalog on the stack's gateway, as its first user."""
    from pyiceberg.catalog import load_catalog

    claims = PrincipalClaims(
        workspace_id=FIRST_WORKSPACE,
        user=FIRST_USER,
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    store = layout.s3("lakehouse")
    return load_catalog(
        "lakehouse",
        **{
            "type": "rest",
            "uri": layout.gateway_iceberg_url,
            "warehouse": "lakehouse",
            "token": issue(layout.secret("signing-key"), claims),
            "s3.endpoint": store.endpoint,
            "s3.region": store.region,
            "s3.access-key-id": store.access_key,
            "s3.secret-access-key": store.secret_key,
        },
    )


def read_rows(layout: Layout, table: str, limit: int) -> tuple[list[str], list[list[str]]]:
    """Return the column names and the first rows of `schema.table`, every cell as text."""
    scan: Any = open_catalog(layout).load_table(table).scan(limit=limit)
    found = scan.to_arrow()
    rows = [[_text(row[name]) for name in found.column_names] for row in found.to_pylist()]
    return list(found.column_names), rows


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
