from __future__ import annotations

import os
import secrets
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.local.ministack import AwsServer
from soundalike.local.ports import free_port
from soundalike.local.postgres import PostgresServer
from soundalike.local.program import open_log
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from soundalike.local.program import Program


@pytest.fixture(scope="session")
def cache(shared_servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of all platforms of a test run, of all workers: the sandbox composes its music once."""
    return Path(shared_servers.home) / "cache" if shared_servers else tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _separate_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDALIKE_CACHE", str(cache))


@pytest.fixture
def server(private_folder: Path) -> AwsServer:
    return AwsServer(
        home=private_folder / "aws",
        port=free_port(),
        access_key_id="LOCALKEY",
        secret_access_key="chosen-by-nobody",
        log_file=private_folder / "ministack.log",
    )


@pytest.fixture
def launch() -> Callable[[Program], AbstractContextManager[subprocess.Popen[bytes]]]:
    """Run a program for the length of a `with`, and stop it at the end."""

    @contextmanager
    def run(program: Program) -> Iterator[subprocess.Popen[bytes]]:
        log = open_log(program.log_file)
        process = subprocess.Popen(
            program.launch_command(), env=dict(program.environment), stdout=log, stderr=log, start_new_session=True
        )
        os.close(log)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(program.stop_signal)
            process.wait(scale(30))

    return run


@pytest.fixture
def private_folder(tmp_path: Path) -> Path:
    """A folder below one that only its owner can enter."""
    parent = tmp_path / "private"
    parent.mkdir(mode=0o700)
    (parent / "data").mkdir(mode=0o700)
    return parent / "data"


@pytest.fixture
def cluster(private_folder: Path) -> PostgresServer:
    return PostgresServer(
        home=private_folder / "postgres",
        port=free_port(),
        password=secrets.token_hex(16),
        log_file=private_folder / "postgres.log",
        durable=False,
    )
