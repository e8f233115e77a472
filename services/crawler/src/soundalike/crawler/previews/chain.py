"""The providers of previews, one after the other until one has the preview."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import Preview
from soundalike.crawler.errors import PreviewError, PreviewGone, PreviewMissing, PreviewUnavailable, PreviewUnusable
from soundalike.crawler.preview_duration import check_duration
from soundalike.crawler.previews.provider import PreviewAbsent, PreviewFound
from soundalike.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.crawler.download import Downloader
    from soundalike.crawler.previews.provider import PreviewProvider, PreviewRequest
    from soundalike.crawler.tag_reader import TagReader

_NO_PROVIDER: Final = "no preview provider is enabled"


@dataclass(frozen=True, slots=True)
class ChainOffer:
    """What the chain brings for one track (see `crawler.entries.PreviewOffer`)."""

    chain: PreviewChain
    request: PreviewRequest

    async def fetch(self) -> Preview:
        """Get the preview."""
        return await self.chain.fetch(self.request)


@dataclass(frozen=True, slots=True)
class PreviewChain:
    """The providers that are switched on, in the order in which they are asked; `disabled` names the others."""

    providers: Sequence[PreviewProvider]
    downloader: Downloader
    tag_reader: TagReader
    disabled: Sequence[str] = ()
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    @property
    def provider_names(self) -> frozenset[str]:
        """Names of the providers that are asked."""
        return frozenset(provider.name for provider in self.providers)

    def offer(self, request: PreviewRequest) -> ChainOffer:
        """Return the offer to look for a track's preview when it is time to fetch it."""
        return ChainOffer(self, request)

    async def fetch(self, request: PreviewRequest) -> Preview:
        """Find and fetch a preview; downloads are tried again.

        Raises `PreviewMissing` only when no provider has one; `PreviewUnavailable` when one that does not answer may
        have it; `PreviewUnusable` when what there is cannot be decoded.
        """
        failures: list[PreviewError] = []
        for provider in self.providers:
            try:
                return await self._fetch_from(provider, request)
            except PreviewError as error:
                failures.append(error)
        for kind in (PreviewUnavailable, PreviewUnusable):
            for failure in failures:
                if isinstance(failure, kind):
                    raise failure
        reason = "; ".join(failure.reason for failure in failures if failure.reason) or _NO_PROVIDER
        if self.disabled:
            reason += f" ({' and '.join(self.disabled)} disabled)"
        raise PreviewMissing(reason, "; ".join(map(str, failures)) or reason, providers=self.provider_names)

    async def _fetch_from(self, provider: PreviewProvider, request: PreviewRequest) -> Preview:
        result = await self._find(provider, request)
        try:
            return await self._download(result)
        except PreviewGone:
            if not result.expires:
                raise
        # Most likely the address has expired since: the provider makes a new one.
        result = await self._find(provider, replace(request, preview_url=None))
        try:
            return await self._download(result)
        except PreviewGone as error:
            raise PreviewUnavailable(error.reason, str(error)) from error

    async def _find(self, provider: PreviewProvider, request: PreviewRequest) -> PreviewFound:
        finding = await provider.find(request)
        if isinstance(finding, PreviewAbsent):
            raise PreviewMissing(finding.reason)
        return finding

    async def _download(self, preview: PreviewFound) -> Preview:
        data, kind = await self.retry.run(
            lambda: self.downloader.download(preview.url, preview.hosts), (PreviewUnavailable,)
        )
        await asyncio.to_thread(check_duration, data, self.tag_reader)
        return Preview(data, kind, preview.provenance)
