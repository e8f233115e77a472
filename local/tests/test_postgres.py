from __future__ import annotations

import asyncio
import os
import signal
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncpg
import pytest

from soundalike.local.errors import UnusableDataDirectory
from soundalike.local.process import is_alive, pids_in
from soundalike.testing.wait import eventually, scale

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path
    from subprocess import Popen

    from soundalike.local.postgres import PostgresServer
    from soundalike.local.program import Program

    Launch = Callable[[Program], AbstractContextManager[Popen[bytes]]]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def _query(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_data_survive_a_restart(cluster: PostgresServer, launch: Launch) -> None:
    cluster.prepare()
    with launch(cluster.program()) as server:
        await cluster.wait_until_ready()
        await cluster.ensure_database("music", owner="listener", password="of-its-own")
        await _query(cluster.url("music"), "CREATE TABLE numbers AS SELECT 7 AS number")
    assert server.returncode == 0
    cluster.prepare()
    with launch(cluster.program()):
        await cluster.wait_until_ready()
        assert await _query(cluster.url("music"), "SELECT number FROM numbers") == 7


async def test_the_owner_of_a_database_has_vectors_and_no_rights_on_the_server(
    cluster: PostgresServer, launch: Launch
) -> None:
    cluster.prepare()
    with launch(cluster.program()):
        await cluster.wait_until_ready()
        for password in ("first", "second"):
            await cluster.ensure_database("music", owner="listener", password=password)
            url = cluster.url("music", user="listener", password=password)
            assert await _query(url, "SELECT '[3,4]'::vector <-> '[0,0]'::vector") == 5
        await _query(url, "CREATE TABLE mine (v vector(2))")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await _query(url, "SELECT pg_read_file('/etc/hostname')")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await _query(cluster.url("music", user="listener", password="first"), "SELECT 1")


async def test_a_wrong_password_is_refused_and_nothing_else_listens(cluster: PostgresServer, launch: Launch) -> None:
    cluster.prepare()
    with launch(cluster.program()):
        await cluster.wait_until_ready()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await _query(replace(cluster, password="guessed").url("postgres"), "SELECT 1")
        assert await _query(cluster.url("postgres"), "SHOW listen_addresses") == "127.0.0.1"
        assert await _query(cluster.url("postgres"), "SHOW unix_socket_directories") == ""
        assert await _query(cluster.url("postgres"), "SELECT count(*) FROM pg_hba_file_rules") == 1


async def test_folder_permissions_do_not_change(cluster: PostgresServer, launch: Launch) -> None:
    parents = [cluster.home.parent, *cluster.home.parent.parents]
    before = [(_mode(parent), parent.stat().st_uid) for parent in parents]
    cluster.prepare()
    with launch(cluster.program()):
        await cluster.wait_until_ready()
    assert [(_mode(parent), parent.stat().st_uid) for parent in parents] == before
    assert _mode(cluster.home) == 0o700
    assert _mode(cluster.cluster) == 0o700
    assert [path.name for path in cluster.home.iterdir()] == ["cluster"]


async def test_data_survive_a_kill(cluster: PostgresServer, launch: Launch) -> None:
    cluster = replace(cluster, durable=True)
    cluster.prepare()
    with launch(cluster.program()) as server:
        await cluster.wait_until_ready()
        await _query(cluster.url("postgres"), "CREATE TABLE numbers AS SELECT 7 AS number")
        server.kill()
        server.wait()
    assert (cluster.cluster / "postmaster.pid").exists()
    cluster.prepare()
    with launch(cluster.program()):
        await cluster.wait_until_ready()
        assert await _query(cluster.url("postgres"), "SELECT number FROM numbers") == 7


async def test_a_server_that_still_runs_is_stopped_first(cluster: PostgresServer, launch: Launch) -> None:
    cluster.prepare()
    with launch(cluster.program()) as leftover:
        await cluster.wait_until_ready()
        await _query(cluster.url("postgres"), "CREATE TABLE numbers AS SELECT 7 AS number")
        cluster.prepare()
        assert not is_alive(leftover.pid)
        with launch(cluster.program()):
            await cluster.wait_until_ready()
            assert await _query(cluster.url("postgres"), "SELECT number FROM numbers") == 7


@pytest.mark.parametrize("lock", [f"{os.getpid()}\n/somewhere\n", "", "half"], ids=["other", "empty", "half"])
async def test_a_lock_of_another_program_or_half_written_is_removed(
    cluster: PostgresServer, launch: Launch, lock: str
) -> None:
    cluster.prepare()
    (cluster.cluster / "postmaster.pid").write_text(lock, encoding="ascii")
    cluster.clear_stale_lock()
    with launch(cluster.program()):
        await cluster.wait_until_ready()


async def test_a_lock_whose_server_left_processes_behind_is_kept(cluster: PostgresServer, launch: Launch) -> None:
    cluster.prepare()
    with launch(cluster.program()) as server:
        await cluster.wait_until_ready()
        connection = await asyncpg.connect(cluster.url("postgres"))
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        os.kill(backend, signal.SIGSTOP)
        server.kill()
        server.wait()
        try:
            assert backend in pids_in(cluster.cluster)
            cluster.clear_stale_lock()
            # PostgreSQL itself refuses to start while this process could write into the data of the next one.
            assert (cluster.cluster / "postmaster.pid").exists()
            with launch(cluster.program()) as second:
                assert await asyncio.to_thread(second.wait, scale(60)) == 1
        finally:
            os.kill(backend, signal.SIGKILL)
            connection.terminate()
    await eventually(lambda: not pids_in(cluster.cluster))
    with launch(cluster.program()):
        await cluster.wait_until_ready()


def test_an_unfinished_cluster_is_created_again(cluster: PostgresServer) -> None:
    unfinished = cluster.home / "cluster.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n", encoding="ascii")
    cluster.prepare()
    assert (cluster.cluster / "global" / "pg_control").exists()
    assert not unfinished.exists()


def test_a_cluster_of_another_version_is_refused(cluster: PostgresServer) -> None:
    cluster.cluster.mkdir(parents=True)
    (cluster.cluster / "PG_VERSION").write_text("16\n", encoding="ascii")
    with pytest.raises(UnusableDataDirectory, match="PostgreSQL 16"):
        cluster.prepare()


def test_the_password_is_in_no_command_line_and_no_log(cluster: PostgresServer) -> None:
    cluster.prepare()
    program = cluster.program()
    assert cluster.password not in " ".join(program.launch_command())
    assert cluster.password not in repr(cluster)
    assert cluster.password not in repr(program)
    assert program.stop_signal is signal.SIGINT
