"""`python -m control.cli` is `openlake`."""

from control.cli import app

app()
