"""Asking one provider after the other until one delivers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import Preview
from soundalike.crawler.errors import PreviewError, PreviewGone, PreviewMissing, PreviewUnavailable, PreviewUnusable
from soundalike.crawler.preview_duration import check_length
from soundalike.crawler.previews.provider import Absent, Found
from soundalike.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.crawler.download import Downloader
    from soundalike.crawler.previews.provider import PreviewProvider, Wanted

_NOBODY_TO_ASK: Final = "no provider of previews is switched on"


@dataclass(frozen=True, slots=True)
class ChainOffer:
    """What the chain brings for one track (see `crawler.entries.Offer`)."""

    chain: PreviewChain
    wanted: Wanted

    async def fetch(self) -> Preview:
        """Get the preview."""
        return await self.chain.fetch(self.wanted)


@dataclass(frozen=True, slots=True)
class PreviewChain:
    """The providers that are switched on, in the order in which they are asked; `off` names the others."""

    providers: Sequence[PreviewProvider]
    downloader: Downloader
    off: Sequence[str] = ()
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    @property
    def providers_on(self) -> frozenset[str]:
        """Names of the providers that are asked."""
        return frozenset(provider.name for provider in self.providers)

    def offer(self, wanted: Wanted) -> ChainOffer:
        """Return the offer to look for a track's preview when it is time to fetch it."""
        return ChainOffer(self, wanted)

    async def fetch(self, wanted: Wanted) -> Preview:
        """Find and fetch a preview in one step, with a patience of its own.

        Raises `PreviewMissing` only when every provider said that it has none; `PreviewUnavailable` when one that could
        not be asked may have it; `PreviewUnusable` when what there is can never be heard.
        """
        failures: list[PreviewError] = []
        for provider in self.providers:
            try:
                return await self._fetch_from(provider, wanted)
            except PreviewError as error:
                failures.append(error)
        for kind in (PreviewUnavailable, PreviewUnusable):
            for failure in failures:
                if isinstance(failure, kind):
                    raise failure
        reason = "; ".join(failure.reason for failure in failures if failure.reason) or _NOBODY_TO_ASK
        if self.off:
            reason += f" ({' and '.join(self.off)} switched off)"
        raise PreviewMissing(reason, "; ".join(map(str, failures)) or reason, asked=self.providers_on)

    async def _fetch_from(self, provider: PreviewProvider, wanted: Wanted) -> Preview:
        found = await self._find(provider, wanted)
        try:
            return await self._download(found)
        except PreviewGone:
            if not found.expires:
                raise
        # The address has run out since it was given, most likely: asked anew, it is given anew.
        found = await self._find(provider, replace(wanted, preview_url=None))
        try:
            return await self._download(found)
        except PreviewGone as error:
            raise PreviewUnavailable(error.reason, str(error)) from error

    async def _find(self, provider: PreviewProvider, wanted: Wanted) -> Found:
        finding = await provider.find(wanted)
        if isinstance(finding, Absent):
            raise PreviewMissing(finding.reason)
        return finding

    async def _download(self, found: Found) -> Preview:
        data, kind = await self.retry.run(
            lambda: self.downloader.download(found.url, found.hosts), (PreviewUnavailable,)
        )
        await asyncio.to_thread(check_length, data, kind)
        return Preview(data, kind, found.provenance)
