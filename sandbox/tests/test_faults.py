import pytest
from pydantic import ValidationError

from soundalike.sandbox.faults import Fault, Faults


def hits(faults: Faults, count: int, path: str = "/v1/tracks/1") -> list[int | None]:
    faults_taken = [faults.take("GET", path, "offset=0&limit=20") for _ in range(count)]
    return [fault.status if fault else None for fault in faults_taken]


def test_a_fault_is_used_up() -> None:
    faults = Faults()
    faults.add(Fault(path="/v1/tracks/*", status=500, times=2))
    assert hits(faults, 4) == [500, 500, None, None]


def test_a_fault_can_be_delayed_and_permanent() -> None:
    faults = Faults()
    faults.add(Fault(path="*", status=502, after=2, times=None))
    assert hits(faults, 5) == [None, None, 502, 502, 502]
    faults.clear()
    assert hits(faults, 1) == [None]


def test_faults_come_in_the_order_they_were_added() -> None:
    faults = Faults()
    faults.add(Fault.rate_limited("/v1/*"))
    faults.add(Fault(path="/v1/tracks/*", status=503))
    assert hits(faults, 3) == [429, 503, None]


@pytest.mark.parametrize(
    "rule", [{"path": "/v1/playlists/*"}, {"path": "*", "query": "offset=5*"}, {"path": "*", "method": "POST"}]
)
def test_other_requests_pass(rule: dict[str, str]) -> None:
    faults = Faults()
    faults.add(Fault(status=500, **rule))
    assert hits(faults, 1) == [None]


def test_default_body_is_the_error_object() -> None:
    assert Fault(path="*", status=503).response_body() == {"error": {"status": 503, "message": "Service Unavailable"}}
    assert Fault(path="*", status=200, body="<html>").response_body() == "<html>"


@pytest.mark.parametrize("field", [{"status": 42}, {"times": 0}, {"delay_seconds": -1}, {"colour": "red"}])
def test_invalid_rules_are_refused(field: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate({"path": "*", **field})
