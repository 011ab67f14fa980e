"""Whether user code can run as a user of its own, away from the control plane's secrets."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import activities
from activities.config import WorkerConfig


def can_isolate(config: WorkerConfig) -> str | None:
    """Return why user code cannot run as the user `config.uid`, or None when it can.

    That user has to be in the user database, or Hadoop's login inside Spark fails.
    """
    if os.geteuid() != 0:
        return "the worker does not run as root, so it cannot start processes of other users"
    if config.uid is None:
        return "there is no account for task code, and none could be made"
    needed = [
        config.python,
        Path(activities.__file__),
        *([config.java_home] if config.java_home is not None else []),
        *([config.spark_jars] if config.spark_jars is not None else []),
        *([config.uv] if config.uv is not None else []),
        *([config.dbt_python] if config.dbt_python is not None else []),
        _existing(config.folder),
    ]
    closed = _closed_to(config.uid, needed)
    if closed is not None:
        return f"other users cannot reach {closed}; install where they can, e.g. below /opt"
    return _cannot_start(config.python, config.uid)


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())


def _closed_to(uid: int, paths: Sequence[Path]) -> Path | None:
    """Find the first path, or folder above it, that users without a share in it cannot enter."""
    for path in paths:
        real = path.resolve()
        for each in (*reversed(real.parents), real):
            seen = each.stat()
            bit = 0o1 if each.is_dir() else 0o4
            if seen.st_uid != uid and not seen.st_mode & bit:
                return each
    return None


def _cannot_start(python: Path, uid: int) -> str | None:
    try:
        done = subprocess.run(
            [python, "-I", "-c", "import encodings, ssl"],
            user=uid,
            group=uid,
            extra_groups=[],
            env={},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"{python} does not start as another user: {error}"
    if done.returncode != 0:
        return f"{python} does not start as another user: {done.stderr.strip()[-200:]}"
    return None
