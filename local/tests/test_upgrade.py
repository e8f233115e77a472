"""A data folder of an earlier version is upgraded and answers the same; so does one that was restored from a backup.

`upgrade/make_archive.py` says what the archive holds and how it was made.
"""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import tarfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest

from soundalike.db import schema
from soundalike.local import ports, secrets
from soundalike.local.data_directory import DataDirectory
from soundalike.local.platform import DATABASE, ROLE, Platform
from soundalike.local.ports import free_port
from soundalike.local.postgres import PostgresServer
from soundalike.testing.wait import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ARCHIVE = Path(__file__).parent / "upgrade" / "platform-0012.tar.xz"
REVISION = "0012"


@pytest.fixture
async def old_folder(private_folder: Path, launch: Any) -> DataDirectory:
    """The folder of a platform at `REVISION`, stopped."""
    unpacked = private_folder / "unpacked"
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(unpacked, filter="data")
    data = DataDirectory.at(private_folder / "soundalike")
    data.create()
    credentials, chosen = secrets.load_or_generate(data.secrets_file), ports.load_or_choose(data.ports_file)
    server = PostgresServer(
        home=data.postgres,
        port=chosen.postgres,
        password=credentials.postgres_admin_password,
        log_file=data.log_file("postgres"),
    )
    await asyncio.to_thread(server.prepare)
    with launch(server.program()):
        await server.wait_until_ready()
        await server.ensure_database(DATABASE, owner=ROLE, password=credentials.database_password)
        await schema.upgrade(server.url(DATABASE, user=ROLE, password=credentials.database_password), REVISION)
        tables = {file.stem: file.read_bytes() for file in (unpacked / "database").iterdir()}
        await load(server.url(DATABASE), tables)
    shutil.copytree(unpacked / "aws", data.aws)
    return data


async def load(url: str, tables: dict[str, bytes]) -> None:
    """Fill a database with what was dumped of its tables, as CSV, and of its sequence."""
    sequence = int(tables.pop("embeddings_seq"))
    connection = await asyncpg.connect(url)
    try:
        # The order of the tables does not matter then.
        await connection.execute("SET session_replication_role = replica")
        for table, content in tables.items():
            columns = content.partition(b"\n")[0].decode().split(",")
            await connection.copy_to_table(
                table, source=io.BytesIO(content), columns=columns, format="csv", header=True
            )
        await connection.execute("SELECT setval('embeddings_seq', $1)", sequence)
    finally:
        await connection.close()


@asynccontextmanager
async def platform_on(data: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    # Nothing but what was there before may answer: what the archive holds is long old enough for a new version.
    for name in ("INDEX_MAX_AGE_S", "INDEX_FORGET_S", "TASTE_MAX_AGE_S"):
        monkeypatch.setenv(name, "1e12")
    async with (
        Platform(data, port=free_port()).running() as running,
        httpx.AsyncClient(base_url=running.api_url, trust_env=False, timeout=30) as client,
    ):

        async def is_ready() -> bool:
            response = await client.get("/readyz")
            return response.status_code == 200 and (await client.get("/recommend", params=BY_TASTE)).status_code == 200

        await eventually(is_ready, "the API answers from the version and from taste", limit_s=60)
        yield client


def recorded() -> list[dict[str, Any]]:
    with tarfile.open(ARCHIVE) as archive:
        member = archive.extractfile("answers.json")
        assert member is not None
        answers: list[dict[str, Any]] = json.load(member)
    return answers


BY_TASTE = {"track": "soundcloud:tracks:1", "by": "taste"}


def comparable(answer: Any) -> Any:
    """What has to be the same of an answer: all but request ids, wording, and which vectors are in a version.

    The archive's model is the predecessor of today's, which takes its vectors over: all are newer than any version.
    """
    if isinstance(answer, dict) and {"model", "version", "tracks", "tail"} == answer.keys():
        return {"tracks": answer["tracks"] + answer["tail"]}
    if isinstance(answer, dict):
        return {
            name: comparable(value) for name, value in answer.items() if name not in {"request_id", "why", "reason"}
        }
    if isinstance(answer, list):
        return [comparable(one) for one in answer]
    return "pending" if answer == "found" else answer


def nearly(answer: Any) -> Any:
    """The same, with numbers that may differ by what rounding does."""
    if isinstance(answer, dict):
        return {name: nearly(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [nearly(one) for one in answer]
    return pytest.approx(answer, abs=2e-6) if isinstance(answer, float) else answer


def assert_none_is_missing(results: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    """Assert that results are those of before, but for nearer ones among all vectors that a version did not come to."""
    assert len(results) == len(before)
    results_by_urn = {result["urn"]: comparable(result) for result in results}
    for result in before:
        if (now := results_by_urn.get(result["urn"])) is not None:
            expected = comparable(result)
            assert {name: now[name] for name in expected if name != "rank"} == nearly(
                {name: value for name, value in expected.items() if name != "rank"}
            )
        else:
            assert result["score"] < results[-1]["score"]


async def assert_answers_are_the_recorded_ones(client: httpx.AsyncClient) -> None:
    answers = recorded()
    assert len(answers) == 28
    for answer in answers:
        response = await client.get(answer["path"])
        assert response.status_code == answer["status"], answer["path"]
        body = response.json()
        # A later version may say more.
        messages = {name: body.get(name) for name in answer["body"]}
        if "index" in body and "results" in body:
            assert_none_is_missing(messages.pop("results"), answer["body"].pop("results"))
        assert comparable(messages) == nearly(comparable(answer["body"])), answer["path"]


async def test_an_earlier_folder_is_migrated_and_answers_the_same(
    old_folder: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with platform_on(old_folder, monkeypatch) as client:
        await assert_answers_are_the_recorded_ones(client)
    copy = DataDirectory.at(old_folder.root.parent / "restored")
    shutil.copytree(old_folder.root, copy.root)
    shutil.rmtree(old_folder.root)
    shutil.rmtree(copy.root / "cache")
    async with platform_on(copy, monkeypatch) as client:
        await assert_answers_are_the_recorded_ones(client)
