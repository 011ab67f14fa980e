"""Users of their own for what must not run as root; only root can make them."""

import pwd
import shutil
import subprocess


def ensure_system_user(name: str) -> int | None:
    """Return the id of a system user without home or shell, made if need be; None if it cannot be.

    Only for root.
    """
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        useradd = shutil.which("useradd")
    if useradd is None:
        return None
    argv = [useradd, "--system", "--no-create-home", "--shell", "/bin/false", name]
    quiet = subprocess.DEVNULL
    # Two may try at once: what counts is that the user is there afterwards.
    subprocess.call(argv, stdout=quiet, stderr=quiet)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None
