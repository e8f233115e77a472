"""Making the chain out of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.downloading import Downloader
from crawler.limits import DEEZER, ITUNES
from crawler.previews.chain import PreviewChain
from crawler.previews.deezer import DeezerPreviews
from crawler.previews.itunes import ITunesPreviews
from crawler.previews.spotify import SpotifyPreviews
from crawler.services.deezer import DeezerApi
from crawler.services.itunes import ITunesApi

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from crawler.limits import Allowance, Limiter
    from crawler.previews.provider import PreviewProvider
    from crawler.settings import CrawlerSettings


def deezer_api(
    settings: CrawlerSettings, client: httpx.AsyncClient, limiters: Callable[[Allowance], Limiter]
) -> DeezerApi:
    """Return Deezer's API; exits with 78 while Deezer is not allowed."""
    return DeezerApi.at(settings.deezer().api_url, client, limiters(DEEZER))


def assemble(
    settings: CrawlerSettings, client: httpx.AsyncClient, limiters: Callable[[Allowance], Limiter]
) -> PreviewChain:
    """Return the chain of the providers that are named in the settings and allowed by them."""
    named = settings.preview_providers.split(",")
    providers: list[PreviewProvider] = []
    off: list[str] = []
    if "spotify" in named:
        providers.append(SpotifyPreviews(settings.allowed_hosts))
    if "deezer" in named and settings.deezer_is_allowed:
        providers.append(DeezerPreviews(deezer_api(settings, client, limiters), settings.deezer().hosts))
    else:
        off.append("Deezer")
    if "itunes" in named and settings.itunes_is_allowed:
        access = settings.itunes()
        api = ITunesApi.at(access.api_url, access.country, client, limiters(ITUNES))
        providers.append(ITunesPreviews(api, access.hosts))
    else:
        off.append("iTunes")
    return PreviewChain(providers, Downloader(client), tuple(off))
