from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from soundalike.soundcloud.error_bodies import error_message, reset_after_s

NOW = datetime(2015, 6, 1, 9, 48, 40, tzinfo=UTC)
PLAYS = {"errors": [{"meta": {"rate_limit": {"group": "plays"}, "reset_time": "2015/06/01 09:49:40 +0000"}}]}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": "Rate Limit Exceeded"}, "Rate Limit Exceeded"),
        (
            {"code": 401, "message": "", "status": "401 - Unauthorized", "errors": [], "error": None},
            "401 - Unauthorized",
        ),
        ({"message": "", "errors": [{"error_message": "a subscription\nis required"}]}, "a subscription is required"),
        ({"errors": None}, ""),
        ([], ""),
    ],
)
def test_the_reason_is_found_in_every_form(body: object, reason: str) -> None:
    assert error_message(json.dumps(body).encode()) == reason


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff"])
def test_a_body_that_is_no_json_says_nothing(body: bytes) -> None:
    assert error_message(body) == ""
    assert reset_after_s(body, NOW) is None


def test_how_long_to_wait() -> None:
    assert reset_after_s(json.dumps(PLAYS).encode(), NOW) == 60.0
    assert reset_after_s(json.dumps({"error": "Rate Limit Exceeded"}).encode(), NOW) is None
