"""How the name of whoever deploys appears in names and paths."""

import re


def short_name(user: str) -> str:
    """Return the part of a user's name that fits into names of jobs and paths."""
    return re.sub(r"[^A-Za-z0-9]", "_", user.partition("@")[0])
