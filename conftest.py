"""Throw-away servers for the tests of all packages: PostgreSQL with pgvector, and S3 with SQS, on loopback."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import boto3
import pytest

from soundalike.local.ministack import AwsServer
from soundalike.local.ports import free_port
from soundalike.local.postgres import ADMIN, PostgresServer
from soundalike.local.program import open_log

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Any

    from soundalike.local.program import Program


def pytest_configure() -> None:
    # A shell ignores SIGINT in what it starts in the background, and children inherit that: tests that interrupt
    # programs would wait for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True, slots=True)
class AwsEndpoint:
    """Where S3 and SQS answer, and to whom."""

    endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str

    def environment(self) -> dict[str, str]:
        """Return the variables by which boto3 finds it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the `postgres` database of a server of its own, as its superuser."""
    home = tmp_path_factory.mktemp("postgres")
    server = PostgresServer(
        home=home, port=free_port(), password=secrets.token_hex(16), log_file=home / "postgres.log", durable=False
    )
    server.prepare()
    with _serving(server.program(), server.wait_until_ready):
        yield server.url(ADMIN)


@pytest.fixture
def database_url(postgres_server: str) -> Iterator[str]:
    """Address of an empty database that is dropped afterwards."""
    name = f"test_{uuid4().hex}"
    asyncio.run(_execute(postgres_server, f"CREATE DATABASE {name}"))
    yield f"{postgres_server.rpartition('/')[0]}/{name}"
    asyncio.run(_execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsEndpoint]:
    """S3 and SQS of a server of its own; tests tell their buckets and queues apart by name."""
    home = tmp_path_factory.mktemp("aws")
    server = AwsServer(
        home=home,
        port=free_port(),
        access_key_id=f"TESTS{secrets.token_hex(6).upper()}",
        secret_access_key=secrets.token_hex(16),
        log_file=home / "ministack.log",
    )
    server.prepare()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with _serving(server.program(kept), server.wait_until_ready):
        yield AwsEndpoint(server.endpoint_url, server.region, server.access_key_id, server.secret_access_key)


@pytest.fixture
def aws_environment(aws_endpoint: AwsEndpoint, monkeypatch: pytest.MonkeyPatch) -> AwsEndpoint:
    """Environment in which boto3 finds the server, and nothing of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        **aws_endpoint.environment(),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }.items():
        monkeypatch.setenv(name, value)
    # boto3 keeps the credentials that it found first.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return aws_endpoint


@contextmanager
def _serving(program: Program, ready: Callable[[], Coroutine[Any, Any, None]]) -> Iterator[None]:
    log = open_log(program.log_file)
    try:
        process = subprocess.Popen(
            program.launch_command(),
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)
    try:
        asyncio.run(_ready_or_ended(ready, process, program))
        yield
    finally:
        process.send_signal(program.stop_signal)
        try:
            process.wait(program.stop_timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def _ready_or_ended(
    ready: Callable[[], Coroutine[Any, Any, None]], process: subprocess.Popen[bytes], program: Program
) -> None:
    waiting = asyncio.ensure_future(ready())
    while not waiting.done():
        if process.poll() is not None:
            waiting.cancel()
            pytest.fail(f"{program.name} ended with {process.returncode}:\n{program.log_tail()}")
        await asyncio.wait([waiting], timeout=0.05)
    await waiting


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
