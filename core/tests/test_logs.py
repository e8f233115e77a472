from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from rich.logging import RichHandler

from soundalike import logs
from soundalike.settings import EX_CONFIG
from soundalike.testing.hostile_text import HOSTILE_TEXTS, active_characters

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("service.part")


@pytest.fixture(autouse=True)
def root_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_people_get_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("LOG_FORMAT", raising=False)
    logs.configure("extractor")
    log.info("heard %d", 3)
    with logs.log_fields(request_id="r1"):
        log.warning("late")
    records, late = capsys.readouterr().err.splitlines()
    assert records.endswith(" extractor INFO service.part: heard 3")
    assert late.endswith(" extractor WARNING service.part: late [request_id=r1]")


def test_programs_get_one_json_object_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    logs.configure("api")
    log.info('a "quoted"\nsecond line', extra={"fields": {"route": "/recommend", "status": 200}})
    with logs.log_fields(request_id="r1"), logs.log_fields(caller="me"):
        try:
            int("oh")
        except ValueError:
            log.exception("failed")
    first, second = lines(capsys)
    assert first["message"] == 'a "quoted"\nsecond line'
    assert (first["service"], first["level"], first["logger"]) == ("api", "INFO", "service.part")
    assert (first["route"], first["status"]) == ("/recommend", 200)
    assert first["time"].endswith("+00:00")
    assert "request_id" not in first
    assert (second["request_id"], second["caller"]) == ("r1", "me")
    assert "ValueError: invalid literal" in second["exception"]


def test_fields_cannot_pass_for_what_the_program_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    logs.configure("api")
    with logs.log_fields(level="forged", message="forged"):
        log.info("true")
    (line,) = lines(capsys)
    assert (line["level"], line["message"]) == ("INFO", "true")


def test_another_format_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(SystemExit) as ended:
        logs.configure("api")
    assert ended.value.code == EX_CONFIG
    assert "LOG_FORMAT" in capsys.readouterr().err


def fail(message: str) -> None:
    raise ValueError(message)


@pytest.mark.parametrize("output_format", ["text", "json"])
@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
def test_every_record_is_one_line_without_control_characters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output_format: str, hostile: str
) -> None:
    monkeypatch.setenv("LOG_FORMAT", output_format)
    logs.configure("api")
    logging.getLogger(f"of {hostile}").warning("%s", hostile, extra={"fields": {"path": hostile}}, stack_info=True)
    with logs.log_fields(caller=hostile):
        try:
            fail(hostile)
        except ValueError:
            log.exception("failed at %s", hostile)
    output = capsys.readouterr().err
    assert len(output.splitlines()) == 2
    assert active_characters(output, keep="\n") == set()
    assert "Logging error" not in output
    if output_format == "json":
        first, second = map(json.loads, output.splitlines())
        assert (first["message"], first["path"], second["caller"]) == (hostile, hostile, hostile)
        assert f"ValueError: {hostile}" in second["exception"]


def test_the_log_above_a_bar_is_escaped_as_well() -> None:
    file = io.StringIO()
    handler = RichHandler(console=Console(file=file, width=200), show_path=False)
    handler.setFormatter(logs.EscapingFormatter("%(message)s"))
    for hostile in HOSTILE_TEXTS:
        handler.handle(logging.LogRecord("x", logging.INFO, "x", 1, "%s", (hostile,), None))
    assert active_characters(file.getvalue(), keep="\n") == set()
    assert len(file.getvalue().splitlines()) == len(HOSTILE_TEXTS)
