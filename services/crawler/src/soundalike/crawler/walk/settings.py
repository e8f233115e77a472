"""Settings of the walk over SoundCloud."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from soundalike.crawler.preview_hosts import is_at, preview_hosts
from soundalike.http.rate_limiter import RateLimit
from soundalike.settings import DatabaseSettings, StoreSettings, exit_with_problems
from soundalike.soundcloud import Account

if TYPE_CHECKING:
    from soundalike.crawler.preview_hosts import HostList

_DOMAIN: Final = "soundcloud.com"

TERMS: Final = (
    "set it to `yes` to say that you have read SoundCloud's API Terms of Use and that your use is allowed: they forbid "
    "using what people uploaded to inform, train or develop artificial intelligence or as its input, storing it beyond "
    "a session, and gathering it for a competing service; who uploaded a track is to be named, with a link to it. An "
    "application needs an Artist Pro account"
)


def _https_only(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected an address such as https://api.soundcloud.com")
    if parts.scheme != "https" and is_at(value, _DOMAIN):
        raise ValueError("SoundCloud is called over https only, since the request holds your credentials")
    return value.rstrip("/")


@dataclass(frozen=True, slots=True)
class SoundCloudAccess:
    """The account and the addresses of SoundCloud, checked; previews lie on `hosts`."""

    account: Account
    api_url: str
    token_url: str
    token_file: Path | None
    hosts: HostList


class SoundCloudSettings(DatabaseSettings, StoreSettings):
    """Settings of the walk."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    soundcloud_terms_accepted: str | None = None
    soundcloud_client_id: str | None = None
    soundcloud_client_secret: SecretStr | None = None
    soundcloud_token_file: Path | None = None
    soundcloud_api_url: Annotated[str, AfterValidator(_https_only)] = "https://api.soundcloud.com"
    soundcloud_token_url: Annotated[str, AfterValidator(_https_only)] = "https://secure.soundcloud.com/oauth/token"  # noqa: S105 - an address
    soundcloud_requests_per_second: Annotated[float, Field(gt=0, le=1_000)] = 2.0
    soundcloud_previews: Literal["yes", "no"] = "no"
    soundcloud_preview_hosts: str = "*.sndcdn.com"
    soundcloud_likes_of_user: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    soundcloud_likers_of_track: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    soundcloud_again_days: Annotated[float, Field(gt=0, le=3650)] = 30.0
    soundcloud_retention_days: Annotated[float, Field(gt=0, le=3650)] = 365.0
    crawl_concurrency: Annotated[int, Field(ge=1, le=64)] = 8
    crawler_contact: Annotated[str, Field(max_length=200, pattern=r"^[\x21-\x7e]+$")] | None = None

    @property
    def rate_limit(self) -> RateLimit:
        """How many requests SoundCloud gets, from all processes together."""
        return RateLimit("soundcloud", per_second=self.soundcloud_requests_per_second, burst=4)

    def access(self) -> SoundCloudAccess:
        """Return the account and the addresses; exits with 78, naming the variables, while they are not allowed."""
        problems: dict[str, str] = {}
        theirs = [is_at(self.soundcloud_api_url, _DOMAIN), is_at(self.soundcloud_token_url, _DOMAIN)]
        if any(theirs) and self.soundcloud_terms_accepted != "yes":
            problems["soundcloud_terms_accepted"] = TERMS
        if any(theirs) != all(theirs):
            problems |= {
                "soundcloud_token_url": "it and SOUNDCLOUD_API_URL must both be SoundCloud's or both not, "
                "or the credentials of one would reach the other"
            }
        for name in ("soundcloud_client_id", "soundcloud_client_secret"):
            if getattr(self, name) is None:
                problems[name] = "it is not set; an application registered at soundcloud.com/you/apps has one"
        if problems or self.soundcloud_client_id is None or self.soundcloud_client_secret is None:
            exit_with_problems("SoundCloud", list(problems.items()))
        return SoundCloudAccess(
            account=Account(self.soundcloud_client_id, self.soundcloud_client_secret.get_secret_value()),
            api_url=self.soundcloud_api_url,
            token_url=self.soundcloud_token_url,
            token_file=self.soundcloud_token_file,
            hosts=preview_hosts(self.soundcloud_preview_hosts, self.soundcloud_api_url, official=_DOMAIN),
        )
