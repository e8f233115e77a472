"""Making the chain out of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundalike.crawler.download import Downloader
from soundalike.crawler.previews.chain import PreviewChain
from soundalike.crawler.previews.deezer import DeezerPreviews
from soundalike.crawler.previews.itunes import ITunesPreviews
from soundalike.crawler.previews.spotify import SpotifyPreviews
from soundalike.crawler.services.deezer import DEEZER, DeezerApi
from soundalike.crawler.services.itunes import ITUNES, ITunesApi

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from soundalike.crawler.previews.provider import PreviewProvider
    from soundalike.crawler.settings import CrawlerSettings
    from soundalike.crawler.tag_reader import TagReader
    from soundalike.http.rate_limiter import Limiter, RateLimit


def deezer_api(
    settings: CrawlerSettings, client: httpx.AsyncClient, limiters: Callable[[RateLimit], Limiter]
) -> DeezerApi:
    """Return Deezer's API; exits with 78 while Deezer is not allowed."""
    return DeezerApi.create(settings.deezer().api_url, client, limiters(DEEZER))


def create_chain(
    settings: CrawlerSettings,
    client: httpx.AsyncClient,
    tag_reader: TagReader,
    limiters: Callable[[RateLimit], Limiter],
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
        api = ITunesApi.create(access.api_url, access.country, client, limiters(ITUNES))
        providers.append(ITunesPreviews(api, access.hosts))
    else:
        off.append("iTunes")
    return PreviewChain(providers, Downloader(client), tag_reader, tuple(off))
