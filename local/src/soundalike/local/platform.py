"""The whole platform: starts database, object store and queues, provisioning and services, and stops them again."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import httpx

from soundalike.local import ports, secrets
from soundalike.local.data_directory import create_private, sandbox_music_directory
from soundalike.local.environment import neutral_environment
from soundalike.local.errors import PortInUse, StartFailure, UnusableDataDirectory
from soundalike.local.ministack import AwsServer
from soundalike.local.pidfile import Pidfile
from soundalike.local.ports import LOOPBACK, Ports, free_port, is_free
from soundalike.local.postgres import PostgresServer
from soundalike.local.program import Program, python_command
from soundalike.local.running_platform import RunningPlatform, exclusive_lock, publish
from soundalike.local.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from soundalike.local.data_directory import DataDirectory
    from soundalike.local.secrets import Secrets

T = TypeVar("T")

BUCKET = "soundalike"
DATABASE = "soundalike"
ROLE = "soundalike"
API_PORT = 8000

# Polling costs nothing here: Ctrl-C need not wait for a long poll, nor a crash for a long visibility timeout.
_SHORT_POLLING = {"POLL_WAIT_S": "2", "QUEUE_VISIBILITY_S": "30"}

_HEALTH_TIMEOUT_S = 120.0
_LEFTOVER_STOP_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """A program of ours; the platform is up when the API answers at `health_path`."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    health_path: str | None = None


PROVISIONING = Service("provisioning", tuple(python_command("soundalike.provisioning")))

SERVICES = (
    Service("extractor", tuple(python_command("soundalike.extractor", "run"))),
    Service("indexer", tuple(python_command("soundalike.indexer", "run"))),
    Service("api", tuple(python_command("soundalike.api")), health_path="/healthz"),
    # The last, because the API does not need it: a track requested before it runs is fetched when it does.
    Service("watcher", tuple(python_command("soundalike.crawler", "--watch"))),
)


class Platform:
    """One platform on one data directory; `report` gets a line for each thing that happens.

    Without a `port` the API listens on the usual one, or where that is in use on any other.
    """

    def __init__(
        self,
        data: DataDirectory,
        *,
        port: int | None = API_PORT,
        sandbox: bool = False,
        services: tuple[Service, ...] = SERVICES,
        provisioning: Service = PROVISIONING,
        report: Callable[[str], None] = print,
    ) -> None:
        self._data = data
        self._requested_port = port
        self._sandbox = sandbox
        self._services = services
        self._provisioning = provisioning
        self._report = report
        self.supervisor = Supervisor(Pidfile(data.pidfile), report=report)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RunningPlatform]:
        """Start everything, yield when the API answers, stop everything at the end.

        Raises `AlreadyRunning`, `UnusableDataDirectory`, `PortInUse`, `StartFailure` and `InvalidSettings`.
        """
        self._data.create()
        with exclusive_lock(self._data):
            try:
                yield await self._start()
            finally:
                await self.supervisor.stop()

    async def watch(self) -> None:
        """Wait until a service fails for good, and raise why."""
        await self.supervisor.watch()

    async def run_while_up(self, work: Awaitable[T]) -> T:
        """Do the work on the platform and return its result; raises why a service fails for good meanwhile."""
        watch, task = asyncio.ensure_future(self.watch()), asyncio.ensure_future(work)
        try:
            await asyncio.wait({watch, task}, return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                watch.result()
                raise StartFailure("The platform has stopped.")
            return task.result()
        finally:
            watch.cancel()
            task.cancel()
            await asyncio.gather(watch, task, return_exceptions=True)

    async def _start(self) -> RunningPlatform:
        started = time.monotonic()
        leftovers = await _run_to_completion(
            partial(Pidfile(self._data.pidfile).stop_leftovers, stop_timeout_s=_LEFTOVER_STOP_TIMEOUT_S)
        )
        if leftovers:
            self._report(f"stopped programs that the last run left behind: {', '.join(leftovers)}")
        port = self._choose_port()
        if self._data.postgres.joinpath("cluster").exists() and not self._data.secrets_file.exists():
            raise UnusableDataDirectory(
                f"{self._data.secrets_file} is missing, and the database cannot be opened without it. "
                "Restore it, or choose another data folder with --data."
            )
        credentials = secrets.load_or_generate(self._data.secrets_file)
        server_ports = ports.load_or_choose(self._data.ports_file)
        database, aws = self._database(credentials, server_ports), self._aws(credentials, server_ports)
        await self._start_database(database, credentials)
        environment = self.environment(database, aws, credentials, server_ports, port)
        await self._start_aws(aws, environment)
        await self._provision(environment)
        platform = RunningPlatform(
            pid=os.getpid(),
            api_url=f"http://{LOOPBACK}:{port}",
            sandbox_url=_sandbox_url(server_ports) if self._sandbox else None,
            environment=environment,
        )
        await self._start_services(platform)
        platform = replace(platform, programs=self.supervisor.names)
        publish(self._data, platform)
        self._report(
            f"up after {time.monotonic() - started:.1f} s: {platform.api_url}  (data folder: {self._data.root})"
        )
        return platform

    def _choose_port(self) -> int:
        port = self._requested_port
        if port is None:
            return API_PORT if is_free(API_PORT) else free_port()
        if not is_free(port):
            raise PortInUse(f"Port {port} is in use by another program. Choose another with --port.")
        return port

    def environment(
        self, database: PostgresServer, aws: AwsServer, credentials: Secrets, server_ports: Ports, port: int
    ) -> dict[str, str]:
        """Return the variables that the services get besides those they inherit."""
        settings = {
            "DATABASE_URL": database.url(DATABASE, user=ROLE, password=credentials.database_password),
            "S3_BUCKET": BUCKET,
            **_SHORT_POLLING,
            **aws.client_environment(),
            "API_HOST": LOOPBACK,
            "API_PORT": str(port),
            "API_CACHE_DIR": str(self._data.api_cache),
            # A person may have named a folder on a larger disk.
            "INDEX_WORK_DIR": os.environ.get("INDEX_WORK_DIR") or str(self._data.builds),
            "SPOTIFY_TOKEN_FILE": str(self._data.spotify_file),
            "SOUNDCLOUD_TOKEN_FILE": str(self._data.soundcloud_file),
        }
        return {**settings, **_sandbox_environment(_sandbox_url(server_ports))} if self._sandbox else settings

    def _database(self, credentials: Secrets, server_ports: Ports) -> PostgresServer:
        return PostgresServer(
            home=self._data.postgres,
            port=server_ports.postgres,
            password=credentials.postgres_admin_password,
            log_file=self._data.log_file("postgres"),
        )

    def _aws(self, credentials: Secrets, server_ports: Ports) -> AwsServer:
        return AwsServer(
            home=self._data.aws,
            port=server_ports.aws,
            access_key_id=credentials.aws_access_key_id,
            secret_access_key=credentials.aws_secret_access_key,
            log_file=self._data.log_file("ministack"),
        )

    async def _start_database(self, database: PostgresServer, credentials: Secrets) -> None:
        self._report(f"starting PostgreSQL on port {database.port}")
        await _run_to_completion(database.prepare)
        await self.supervisor.start(database.program(), database.wait_until_ready, prepare=database.clear_stale_lock)
        await database.ensure_database(DATABASE, owner=ROLE, password=credentials.database_password)

    async def _start_aws(self, aws: AwsServer, environment: Mapping[str, str]) -> None:
        async def recover() -> None:
            # A crash loses the queues and the settings of buckets, but no object.
            await aws.wait_until_ready()
            await self._provision(environment)

        self._report(f"starting S3 and SQS (ministack) on port {aws.port}")
        await self.supervisor.start(
            aws.program(neutral_environment(os.environ)), aws.wait_until_ready, prepare=aws.prepare, recover=recover
        )

    async def _provision(self, environment: Mapping[str, str]) -> None:
        self._report("preparing the schema, bucket and queues")
        await self.supervisor.run(self._program(self._provisioning, environment))

    async def _start_services(self, platform: RunningPlatform) -> None:
        if platform.sandbox_url is not None:
            url = platform.sandbox_url
            self._report(f"starting the sandbox on {url}")
            music = sandbox_music_directory()
            create_private(music)
            arguments = ("--port", url.rpartition(":")[2], "--music-cache", str(music))
            service = Service("sandbox", tuple(python_command("soundalike.sandbox", *arguments)))
            program = self._program(service, platform.environment)
            await self.supervisor.start(program, partial(_wait_until_healthy, f"{url}/healthz"))
        for service in self._services:
            self._report(f"starting the {service.name}")
            program = self._program(service, platform.environment)
            ready = (
                partial(_wait_until_healthy, f"{platform.api_url}{service.health_path}")
                if service.health_path
                else None
            )
            await self.supervisor.start(program, ready)

    def _program(self, service: Service, environment: Mapping[str, str]) -> Program:
        return Program(
            name=service.name,
            command=service.command,
            environment={**neutral_environment(os.environ), **environment, **service.environment},
            log_file=self._data.log_file(service.name),
        )


async def _run_to_completion(work: Callable[[], T]) -> T:
    # A thread cannot be cancelled, and the data directory must stay locked while one still writes there.
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        # Ctrl-C in a terminal reaches initdb as well, which fails then.
        task.exception()
        raise


async def _wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + _HEALTH_TIMEOUT_S
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while True:
            try:
                (await client.get(url)).raise_for_status()
            except httpx.HTTPError as error:
                if time.monotonic() > deadline:
                    raise StartFailure(f"{url} does not answer: {error}") from error
                await asyncio.sleep(0.1)
            else:
                return


def _sandbox_url(server_ports: Ports) -> str:
    return f"http://{LOOPBACK}:{server_ports.sandbox}"


def _sandbox_environment(url: str) -> dict[str, str]:
    return {
        "SPOTIFY_API_URL": f"{url}/v1/",
        "SPOTIFY_TOKEN_URL": f"{url}/api/token",
        "SPOTIFY_AUTHORIZE_URL": f"{url}/authorize",
        "SPOTIFY_CLIENT_ID": "sandbox",
        "SPOTIFY_CLIENT_SECRET": "sandbox",
        "DEEZER_API_URL": f"{url}/deezer/",
        "ITUNES_API_URL": f"{url}/itunes/",
        "SOUNDCLOUD_API_URL": f"{url}/soundcloud",
        "SOUNDCLOUD_TOKEN_URL": f"{url}/soundcloud/oauth/token",
        "SOUNDCLOUD_CLIENT_ID": "sandbox",
        "SOUNDCLOUD_CLIENT_SECRET": "sandbox",
        # The players of the services know no invented tracks.
        "PAGE_EMBEDS": os.environ.get("PAGE_EMBEDS", ""),
    }
