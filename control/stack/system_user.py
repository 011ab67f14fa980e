"""Users of their own for what must not run as root; only root can make them."""

import pwd
import shutil
import subprocess

TASK_USER = "openlake-task"
"""Whom user code runs as when the stack runs as root."""


def find_system_user(name: str) -> int | None:
    """Return the id of a user; None when there is none of this name."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def ensure_system_user(name: str) -> int | None:
    """Return the id of a system user without home or shell, made if need be; None if it cannot be.

    Only for root.
    """
    known = find_system_user(name)
    useradd = shutil.which("useradd")
    if known is not None or useradd is None:
        return known
    argv = [useradd, "--system", "--no-create-home", "--shell", "/bin/false", name]
    quiet = subprocess.DEVNULL
    # Two may try at once: what counts is that the user is there afterwards.
    subprocess.call(argv, stdout=quiet, stderr=quiet)
    return find_system_user(name)
