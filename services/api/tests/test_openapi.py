from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from soundalike.api.app import create_app
from soundalike.api.cli import cli
from soundalike.api.problems import MEDIA_TYPE, ProblemDetails
from soundalike.api.settings import ApiSettings
from soundalike.domain.tags import TAG_SLUGS

COMMITTED: Final = Path(__file__).parents[1] / "openapi.json"


@pytest.fixture(scope="module")
def specification() -> dict[str, Any]:
    settings = ApiSettings(database_url=SecretStr("postgresql://user:of-my-own@localhost/db"), s3_bucket="bucket")
    return create_app(settings).openapi()


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/recommend", {"200", "404", "422", "503"}),
        ("/tracks/{urn}", {"200", "404", "422", "503"}),
        ("/readyz", {"200", "503", "422"}),
        ("/healthz", {"200", "422", "503"}),
    ],
)
def test_every_answer_is_described_with_an_example(
    specification: dict[str, Any], path: str, statuses: set[str]
) -> None:
    responses = specification["paths"][path]["get"]["responses"]
    # What holds for every address is described in one place.
    assert set(responses) - {"304", "400", "421"} == statuses
    for status in statuses:
        response = responses[status]
        media_type, content = next(iter(response["content"].items()))
        assert media_type == ("application/json" if status == "200" else MEDIA_TYPE)
        if status == "200":
            assert content["schema"]["$ref"].rpartition("/")[2] in specification["components"]["schemas"]
            assert content["example"]
            continue
        assert content["schema"] == {"$ref": "#/components/schemas/ProblemDetails"}
        for example in content["examples"].values():
            assert ProblemDetails.model_validate(example["value"]).status == int(status)


def test_the_tags_to_filter_by_are_listed(specification: dict[str, Any]) -> None:
    parameters = specification["paths"]["/recommend"]["get"]["parameters"]
    requests = {each["name"]: each["schema"] for each in parameters}
    for name in ("tag", "not_tag"):
        assert requests[name]["items"]["enum"] == list(TAG_SLUGS)


def test_no_schema_of_the_framework_is_left(specification: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in specification["components"]["schemas"]


def test_the_contract_changes_on_purpose_only() -> None:
    written = CliRunner().invoke(cli, ["openapi"]).stdout
    assert written == COMMITTED.read_text(encoding="utf-8"), "after a change on purpose: make openapi"


def test_etags_are_described(specification: dict[str, Any]) -> None:
    for path, method in (("/recommend", "get"), ("/tracks/{urn}", "get"), ("/search", "get")):
        responses = specification["paths"][path][method]["responses"]
        assert "ETag" in responses["200"]["headers"]
        assert "content" not in responses["304"]
    assert "304" not in specification["paths"]["/readyz"]["get"]["responses"]
    assert "304" not in specification["paths"]["/recommend"]["post"]["responses"]
