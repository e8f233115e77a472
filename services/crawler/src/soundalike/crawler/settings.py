"""Settings of the crawler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from soundalike.crawler.errors import SourceRefused
from soundalike.crawler.preview_hosts import HostList, is_at, preview_hosts
from soundalike.crawler.spotify_credentials import SpotifyLogin, read_login
from soundalike.settings import DatabaseSettings, StoreSettings, exit_with_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

SPOTIFY_TERMS: Final = (
    "set it to `yes` to say that you have read Spotify's Developer Terms and Policy and that your use is allowed: they "
    "forbid feeding Spotify content, previews included, into a machine learning model, whether to train it or "
    "otherwise, and analysing it to build metrics or profiles; previews may be used only as those terms say, with a "
    "link back to Spotify, and never as a service of their own. Your own files need none of this: crawl a folder"
)


DEEZER_TERMS: Final = (
    "set it to `yes` to say that you have read Deezer's terms of use for its API and that your use is allowed: they "
    "limit it strictly to non-commercial purposes, forbid reproduction without authorisation, and let Deezer end the "
    "access without notice. Your own files need none of this: crawl a folder"
)

ITUNES_TERMS: Final = (
    "set it to `yes` to say that you have read Apple's terms for its Search API and that your use is allowed: previews "
    "may be streamed only, not downloaded, saved or cached, and only to promote what the store sells, with a badge and "
    "the words `provided courtesy of iTunes`. Your own files need none of this: crawl a folder"
)

PROVIDERS: Final = ("spotify", "deezer", "itunes")
"""The providers of previews, in their order."""


def _is_spotifys(address: str) -> bool:
    return is_at(address, "spotify.com")


def _service_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected an address such as https://api.spotify.com/v1/")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("expected an address without user, query and fragment")
    if _is_spotifys(value) and parts.scheme != "https":
        raise ValueError("Spotify is called over https only, since the request holds your credentials")
    if any(is_at(value, domain) for domain in ("deezer.com", "apple.com")) and parts.scheme != "https":
        raise ValueError("the service is called over https only")
    return value


def _api_address(value: str) -> str:
    address = _service_address(value)
    return address if address.endswith("/") else f"{address}/"


def _host_names(value: str) -> str:
    return str(HostList.parse(value))


def _providers(value: str) -> str:
    names = {name.strip().lower() for name in value.split(",") if name.strip()}
    if unknown := names - set(PROVIDERS):
        raise ValueError(f"{', '.join(sorted(unknown))}: expected some of {', '.join(PROVIDERS)} between commas")
    return ",".join(name for name in PROVIDERS if name in names)


@dataclass(frozen=True, slots=True)
class SpotifyAccess:
    """How to ask Spotify, checked; with a refresh token as the user who gave it, else as the app alone.

    `token_file` is where the refresh token came from, if it came from a file.
    """

    client_id: str
    client_secret: SecretStr | None
    refresh_token: SecretStr | None
    api_url: str
    token_url: str
    token_file: Path | None = None


@dataclass(frozen=True, slots=True)
class DeezerAccess:
    """Where Deezer's API is, and the hosts of its previews."""

    api_url: str
    hosts: HostList


@dataclass(frozen=True, slots=True)
class ITunesAccess:
    """Where the iTunes Search API is, the country of the store, and the hosts of its previews."""

    api_url: str
    country: str
    hosts: HostList


class CrawlerSettings(DatabaseSettings, StoreSettings):
    """What a crawl needs to know; the folder source needs none of the `spotify_` settings."""

    # A template that was copied and left empty says the same as no template.
    model_config = SettingsConfigDict(env_ignore_empty=True)

    spotify_terms_accepted: str | None = None
    spotify_client_id: str | None = None
    spotify_client_secret: SecretStr | None = None
    spotify_refresh_token: SecretStr | None = None
    spotify_token_file: Path | None = None
    spotify_api_url: Annotated[str, AfterValidator(_api_address)] = "https://api.spotify.com/v1/"
    spotify_token_url: Annotated[str, AfterValidator(_service_address)] = "https://accounts.spotify.com/api/token"  # noqa: S105 - an address
    preview_hosts: Annotated[str, AfterValidator(_host_names)] = "p.scdn.co"
    crawl_concurrency: Annotated[int, Field(ge=1, le=64)] = 16
    crawler_contact: Annotated[str, Field(max_length=200, pattern=r"^[\x21-\x7e]+$")] | None = None
    no_preview_retry_days: Annotated[int, Field(ge=0, le=3650)] = 30
    recrawl_hours: Annotated[float, Field(gt=0, le=24 * 365)] = 24.0
    include_video: bool = False
    heartbeat_file: Path | None = None

    preview_providers: Annotated[str, AfterValidator(_providers)] = ",".join(PROVIDERS)
    deezer_terms_accepted: str | None = None
    deezer_api_url: Annotated[str, AfterValidator(_api_address)] = "https://api.deezer.com/"
    deezer_preview_hosts: Annotated[str, AfterValidator(_host_names)] = "*.dzcdn.net"
    itunes_terms_accepted: str | None = None
    itunes_api_url: Annotated[str, AfterValidator(_api_address)] = "https://itunes.apple.com/"
    itunes_country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "US"
    itunes_preview_hosts: Annotated[str, AfterValidator(_host_names)] = "audio-ssl.itunes.apple.com"

    @property
    def allowed_hosts(self) -> HostList:
        """Where previews may be fetched from: the named hosts, and a stand-in for Spotify if one is set."""
        return preview_hosts(self.preview_hosts, self.spotify_api_url, official="spotify.com")

    @property
    def deezer_is_allowed(self) -> bool:
        """Whether Deezer's terms are accepted, or a stand-in is asked in its place."""
        return self.deezer_terms_accepted == "yes" or not is_at(self.deezer_api_url, "deezer.com")

    @property
    def itunes_is_allowed(self) -> bool:
        """Whether Apple's terms are accepted, or a stand-in is asked in its place."""
        return self.itunes_terms_accepted == "yes" or not is_at(self.itunes_api_url, "apple.com")

    def deezer(self) -> DeezerAccess:
        """Return how to ask Deezer; exits with 78, naming the variable, while that is not allowed."""
        if not self.deezer_is_allowed:
            exit_with_problems("Deezer", [("deezer_terms_accepted", DEEZER_TERMS)])
        return DeezerAccess(
            self.deezer_api_url, preview_hosts(self.deezer_preview_hosts, self.deezer_api_url, official="deezer.com")
        )

    def itunes(self) -> ITunesAccess:
        """Return how to ask iTunes; exits with 78, naming the variable, while that is not allowed."""
        if not self.itunes_is_allowed:
            exit_with_problems("iTunes", [("itunes_terms_accepted", ITUNES_TERMS)])
        return ITunesAccess(
            self.itunes_api_url,
            self.itunes_country,
            preview_hosts(self.itunes_preview_hosts, self.itunes_api_url, official="apple.com"),
        )

    @property
    def spotify_is_allowed(self) -> bool:
        """Whether Spotify can be asked: its terms are accepted, or a stand-in is set, and the app is named."""
        return not self._spotify_problems()

    def spotify(self) -> SpotifyAccess:
        """Return how to ask Spotify; exits with 78, naming the variables, while that is not allowed or incomplete."""
        login, problems = self._login(), self._spotify_problems()
        client_id = self.spotify_client_id or (login.client_id if login else None)
        if problems or client_id is None:
            exit_with_problems("Spotify", list(problems.items()))
        return SpotifyAccess(
            client_id=client_id,
            client_secret=self.spotify_client_secret,
            refresh_token=self.spotify_refresh_token or (SecretStr(login.refresh_token) if login else None),
            api_url=self.spotify_api_url,
            token_url=self.spotify_token_url,
            token_file=self.spotify_token_file if login else None,
        )

    def _login(self) -> SpotifyLogin | None:
        """Return what a login left, unless a refresh token is given beside it or another app is meant."""
        if self.spotify_token_file is None or self.spotify_refresh_token is not None:
            return None
        try:
            login = read_login(self.spotify_token_file)
        except SourceRefused:
            return None
        return login if self.spotify_client_id in {None, login.client_id} else None

    def _spotify_problems(self) -> Mapping[str, str]:
        problems: dict[str, str] = {}
        spotifys = [_is_spotifys(self.spotify_api_url), _is_spotifys(self.spotify_token_url)]
        if any(spotifys) and self.spotify_terms_accepted != "yes":
            problems["spotify_terms_accepted"] = SPOTIFY_TERMS
        login = self._login()
        if self.spotify_client_id is None and login is None:
            problems["spotify_client_id"] = "it is not set; an app made at developer.spotify.com has one"
        if self.spotify_client_secret is None and login is None and self.spotify_refresh_token is None:
            how = "an app made at developer.spotify.com has one, and after `soundalike login spotify` none is needed"
            problems |= {"spotify_client_secret": f"it is not set; {how}"}
        if any(spotifys) != all(spotifys):
            problems |= {
                "spotify_token_url": "it and SPOTIFY_API_URL must both be Spotify's or both not, "
                "or the credentials of one would reach the other"
            }
        return problems
