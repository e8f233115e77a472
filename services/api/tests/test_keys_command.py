"""`python -m soundalike.api keys`, and the contract by command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from soundalike.api.cli import cli
from soundalike.settings import EX_CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result


@pytest.fixture
def keys(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    return lambda *arguments: CliRunner().invoke(cli, ["keys", *arguments])


def test_a_key_is_shown_once_and_ends_when_it_is_revoked(keys: Callable[..., Result]) -> None:
    assert "no key" in keys("list").stderr
    made = keys("add", "the importer", "--write")
    key = made.stdout.strip()
    assert key.startswith("soundalike_")
    assert "cannot be shown again" in made.stderr
    assert "read and write" in made.stderr
    name = key.split("_")[1]
    listed = keys("list").stdout
    assert name in listed
    assert "write" in listed
    assert "the importer" in listed
    assert "valid" in listed
    assert key not in listed
    assert keys("revoke", name).exit_code == 0
    assert "revoked 2" in keys("list").stdout
    again = keys("revoke", name)
    assert (again.exit_code, "keys list" in again.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [[], ["--read-only"]])
def test_without_a_scope_a_key_may_only_read(keys: Callable[..., Result], arguments: list[str]) -> None:
    made = keys("add", "a guest", *arguments)
    assert made.exit_code == 0
    assert made.stdout.count("\n") == 1
    assert "may only read; with --write" in made.stderr
    assert keys("list").stdout.split()[1] == "read"


def test_a_key_may_only_read_and_end_by_itself(keys: Callable[..., Result]) -> None:
    assert keys("add", "a guest", "--read-only", "--days", "30").exit_code == 0
    listed = keys("list").stdout
    assert "read" in listed
    assert "until 2" in listed


def test_a_third_key_of_a_holder_says_what_to_do(keys: Callable[..., Result]) -> None:
    for _ in range(2):
        assert keys("add", "the importer").exit_code == 0
    third = keys("add", "the importer")
    assert third.exit_code == 1
    assert "revoke" in third.stderr


@pytest.mark.parametrize(
    "arguments", [["add", ""], ["add", "a\nb"], ["add", "x" * 101], ["add", "x", "--days", "0"], ["add"]]
)
def test_arguments_are_checked(keys: Callable[..., Result], arguments: list[str]) -> None:
    assert keys(*arguments).exit_code == 2


def test_a_database_that_is_away_is_said(keys: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:of-my-own@127.0.0.1:1/nothing")
    answer = keys("list")
    assert (answer.exit_code, answer.stderr) == (1, "the database does not answer\n")


def test_without_a_database_the_variable_is_named(keys: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    answer = keys("list")
    assert answer.exit_code == EX_CONFIG
    assert "DATABASE_URL" in answer.stderr


def test_the_contract_is_the_same_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    before = CliRunner().invoke(cli, ["openapi"]).stdout
    assert json.loads(before)["openapi"].startswith("3.")
    for name, value in {"API_READS": "keyed", "API_WRITES": "keyed", "API_HOST": "0.0.0.0"}.items():  # noqa: S104
        monkeypatch.setenv(name, value)
    assert CliRunner().invoke(cli, ["openapi"]).stdout == before
