"""One line per log record on stderr, the same in every service: text for people, JSON for log collectors."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pydantic_settings import BaseSettings, SettingsConfigDict

from soundalike.domain.text import escape, escape_json
from soundalike.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NO_FIELDS: Final[Mapping[str, object]] = {}
_fields: ContextVar[Mapping[str, object]] = ContextVar("fields of every line", default=_NO_FIELDS)


class LogFormat(StrEnum):
    """The format of a line."""

    TEXT = "text"
    JSON = "json"


class LogSettings(BaseSettings):
    """The format of the log, the same variable in every service."""

    model_config = SettingsConfigDict(extra="ignore")

    log_format: LogFormat = LogFormat.TEXT


def configure(service: str, level: str = "INFO") -> None:
    """Send the records of a service to stderr as LOG_FORMAT says, or exit with 78 where that is another format.

    Libraries that print tokens at DEBUG stay at WARNING. A record's `extra={"fields": {…}}` and the `log_fields` become
    members of the JSON line.
    """
    handler = logging.StreamHandler(sys.stderr)
    as_json = load(LogSettings).log_format is LogFormat.JSON
    handler.setFormatter(JsonFormatter(service) if as_json else TextFormatter(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("boto3", "botocore", "urllib3", "httpx", "httpcore", "spotipy", "alembic", "opentelemetry"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@contextmanager
def log_fields(**fields: object) -> Iterator[None]:
    """Add fields to every line that is logged inside the block, by this task and by what it starts."""
    token = _fields.set({**_fields.get(), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


def current_fields() -> Mapping[str, object]:
    """Return the fields that are added to every line here."""
    return _fields.get()


class EscapingFormatter(logging.Formatter):
    """Messages in one line each, tracebacks included, whatever a title, an address or a service's reply holds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with everything escaped that would break it or that a terminal would obey."""
        return escape(super().format(record))


class TextFormatter(EscapingFormatter):
    """Lines for people: time, service, level, logger, message, and the bound fields in brackets."""

    def __init__(self, service: str) -> None:
        super().__init__(f"%(asctime)s {service} %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the text without a traceback."""
        line = super().formatMessage(record)
        fields = " ".join(f"{name}={value}" for name, value in _fields.get().items())
        return f"{line} [{fields}]" if fields else line


class JsonFormatter(logging.Formatter):
    """Lines for programs: one JSON object each, whatever the message contains; `time` is UTC in ISO 8601."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the traceback as its member `exception`."""
        line: dict[str, object] = {
            **_fields.get(),
            **getattr(record, "fields", _NO_FIELDS),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return escape_json(json.dumps(line, default=str, ensure_ascii=False))
