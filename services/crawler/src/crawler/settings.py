"""Settings of the crawler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from catalog.settings import DatabaseSettings, StoreSettings, refuse
from crawler.hosts import HostList, host_of

if TYPE_CHECKING:
    from collections.abc import Mapping

SPOTIFY_TERMS: Final = (
    "set it to `yes` to say that you have read Spotify's Developer Terms and Policy and that your use is allowed: they "
    "forbid feeding Spotify content, previews included, into a machine learning model, whether to train it or "
    "otherwise, and analysing it to build metrics or profiles; previews may be used only as those terms say, with a "
    "link back to Spotify, and never as a service of their own. Your own files need none of this: crawl a folder"
)


def _is_spotifys(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    return host == "spotify.com" or host.endswith(".spotify.com")


def _service_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected an address such as https://api.spotify.com/v1/")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("expected an address without user, query and fragment")
    if _is_spotifys(value) and parts.scheme != "https":
        raise ValueError("Spotify is asked over https only, since the request holds your credentials")
    return value


def _api_address(value: str) -> str:
    address = _service_address(value)
    return address if address.endswith("/") else f"{address}/"


@dataclass(frozen=True, slots=True)
class SpotifyAccess:
    """How to ask Spotify, checked; with a refresh token as the user who gave it, else as the app alone."""

    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr | None
    api_url: str
    token_url: str


class CrawlerSettings(DatabaseSettings, StoreSettings):
    """What a crawl needs to know; the folder source needs none of the `spotify_` settings."""

    # A template that was copied and left empty says the same as no template.
    model_config = SettingsConfigDict(env_ignore_empty=True)

    spotify_terms_accepted: str | None = None
    spotify_client_id: str | None = None
    spotify_client_secret: SecretStr | None = None
    spotify_refresh_token: SecretStr | None = None
    spotify_api_url: Annotated[str, AfterValidator(_api_address)] = "https://api.spotify.com/v1/"
    spotify_token_url: Annotated[str, AfterValidator(_service_address)] = "https://accounts.spotify.com/api/token"  # noqa: S105 - an address
    preview_hosts: Annotated[str, AfterValidator(lambda text: str(HostList.parse(text)))] = "p.scdn.co"
    crawl_concurrency: Annotated[int, Field(ge=1, le=32)] = 4

    @property
    def allowed_hosts(self) -> HostList:
        """Where previews may be fetched from: the named hosts, and a stand-in for Spotify if one is set."""
        named = HostList.parse(self.preview_hosts)
        return named if _is_spotifys(self.spotify_api_url) else named.with_host(host_of(self.spotify_api_url))

    def spotify(self) -> SpotifyAccess:
        """Return how to ask Spotify; exits with 78, naming the variables, while that is not allowed or incomplete."""
        problems = dict(self._spotify_problems())
        if problems or self.spotify_client_id is None or self.spotify_client_secret is None:
            refuse("Spotify", list(problems.items()))
        return SpotifyAccess(
            client_id=self.spotify_client_id,
            client_secret=self.spotify_client_secret,
            refresh_token=self.spotify_refresh_token,
            api_url=self.spotify_api_url,
            token_url=self.spotify_token_url,
        )

    def _spotify_problems(self) -> Mapping[str, str]:
        problems: dict[str, str] = {}
        spotifys = [_is_spotifys(self.spotify_api_url), _is_spotifys(self.spotify_token_url)]
        if any(spotifys) and self.spotify_terms_accepted != "yes":
            problems["spotify_terms_accepted"] = SPOTIFY_TERMS
        for name in ("spotify_client_id", "spotify_client_secret"):
            if getattr(self, name) is None:
                problems[name] = "it is not set; an app made at developer.spotify.com has one"
        if any(spotifys) != all(spotifys):
            problems |= {
                "spotify_token_url": "it and SPOTIFY_API_URL must both be Spotify's or both not, "
                "or the credentials of one would reach the other"
            }
        return problems
