from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from api.app import create_app
from api.problems import MEDIA_TYPE, ProblemDetails
from api.settings import ApiSettings
from catalog.tags import SLUGS


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
        ("/healthz", {"200", "422"}),
    ],
)
def test_every_answer_is_described_with_an_example(
    specification: dict[str, Any], path: str, statuses: set[str]
) -> None:
    responses = specification["paths"][path]["get"]["responses"]
    assert set(responses) == statuses
    for status, response in responses.items():
        media_type, content = next(iter(response["content"].items()))
        assert media_type == ("application/json" if status == "200" else MEDIA_TYPE)
        if status == "200":
            assert content["schema"]["$ref"].rpartition("/")[2] in specification["components"]["schemas"]
            assert content["example"]
            continue
        assert content["schema"]["title"] == "ProblemDetails"
        for example in content["examples"].values():
            assert ProblemDetails.model_validate(example["value"]).status == int(status)


def test_the_tags_that_can_be_asked_for_are_listed(specification: dict[str, Any]) -> None:
    parameters = specification["paths"]["/recommend"]["get"]["parameters"]
    asked = {each["name"]: each["schema"] for each in parameters}
    for name in ("tag", "not_tag"):
        assert asked[name]["items"]["enum"] == list(SLUGS)


def test_no_schema_of_the_framework_is_left(specification: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in specification["components"]["schemas"]
