from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from soundalike.crawler.previews.factory import create_chain, deezer_api
from soundalike.crawler.services.deezer import DEEZER
from soundalike.crawler.services.itunes import ITUNES
from soundalike.crawler.settings import CrawlerSettings
from soundalike.http.rate_limiter import InMemoryLimiter, RateLimit

if TYPE_CHECKING:
    import httpx

    from soundalike.crawler.tag_reader import TagReader

REQUIRED = {"database_url": "postgresql://a:long-enough-9@localhost/x", "s3_bucket": "soundalike"}


def settings(**changes: str) -> CrawlerSettings:
    return CrawlerSettings(**{**REQUIRED, **changes})  # type: ignore[arg-type]


def test_commercial_providers_are_off_until_their_terms_are_accepted(
    web: httpx.AsyncClient, tag_reader: TagReader
) -> None:
    chain = create_chain(settings(), web, tag_reader, InMemoryLimiter)
    assert chain.provider_names == {"spotify"}
    assert chain.disabled == ("Deezer", "iTunes")
    chain = create_chain(
        settings(deezer_terms_accepted="yes", itunes_terms_accepted="yes"), web, tag_reader, InMemoryLimiter
    )
    assert [provider.name for provider in chain.providers] == ["spotify", "deezer", "itunes"]
    assert chain.disabled == ()


@pytest.mark.parametrize("value", ["no", "true", "1", "YES"])
def test_only_a_plain_yes_accepts(web: httpx.AsyncClient, tag_reader: TagReader, value: str) -> None:
    chain = create_chain(
        settings(deezer_terms_accepted=value, itunes_terms_accepted=value), web, tag_reader, InMemoryLimiter
    )
    assert chain.provider_names == {"spotify"}


def test_each_can_be_switched_off(web: httpx.AsyncClient, tag_reader: TagReader) -> None:
    accepted = {"deezer_terms_accepted": "yes", "itunes_terms_accepted": "yes"}
    chain = create_chain(settings(**accepted, preview_providers=" iTunes ,spotify"), web, tag_reader, InMemoryLimiter)
    assert [provider.name for provider in chain.providers] == ["spotify", "itunes"]
    with pytest.raises(ValidationError, match="youtube"):
        settings(preview_providers="deezer,youtube")


def test_a_stand_in_needs_no_acceptance_and_serves_its_own_previews() -> None:
    there = settings(deezer_api_url="http://127.0.0.1:8899/deezer", itunes_api_url="http://127.0.0.1:8899/itunes/")
    assert there.deezer().api_url == "http://127.0.0.1:8899/deezer/"
    assert there.deezer().hosts.allows("http://127.0.0.1:8899/deezer/preview/x")
    assert there.itunes().hosts.allows("http://127.0.0.1:8899/itunes/preview/x")


def test_each_provider_has_hosts_of_its_own() -> None:
    real = settings(deezer_terms_accepted="yes", itunes_terms_accepted="yes")
    assert real.deezer().hosts.allows("https://cdnt-preview.dzcdn.net/x.mp3")
    assert not real.deezer().hosts.allows("https://audio-ssl.itunes.apple.com/x.m4a")
    assert not real.deezer().hosts.allows("https://dzcdn.net.example.org/x.mp3")
    assert real.itunes().hosts.allows("https://audio-ssl.itunes.apple.com/x.m4a")


@pytest.mark.parametrize(
    "address",
    [
        "http://api.deezer.com/",
        "ftp://api.deezer.com/",
        "https://user@api.deezer.com/",
        "https://api.deezer.com/?x=1",
    ],
)
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        settings(deezer_api_url=address)


def test_without_acceptance_the_message_says_what_to_set_and_what_it_means(
    web: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        deezer_api(settings(), web, InMemoryLimiter)
    assert caught.value.code == 78
    output = capsys.readouterr().err
    assert "DEEZER_TERMS_ACCEPTED: set it to `yes` to say that you have read Deezer's terms" in output
    assert "non-commercial" in output
    with pytest.raises(SystemExit):
        settings().itunes()
    output = capsys.readouterr().err
    assert "ITUNES_TERMS_ACCEPTED" in output
    assert "streamed only, not downloaded" in output


@pytest.mark.parametrize(("limit", "requests", "seconds"), [(DEEZER, 50, 5.0), (ITUNES, 20, 60.0)])
def test_a_rate_limit_is_within_what_the_service_allows(limit: RateLimit, requests: int, seconds: float) -> None:
    assert 0.95 * requests <= limit.burst + limit.per_second * seconds <= requests
