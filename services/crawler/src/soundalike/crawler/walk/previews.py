"""SoundCloud's own previews, and the ingest of those of the tracks of a walk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import Provenance, TrackEntry
from soundalike.crawler.errors import PreviewUnavailable
from soundalike.crawler.previews import provider
from soundalike.crawler.previews.provider import PreviewAbsent, PreviewRequest
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import tracks
from soundalike.db.tracks import State
from soundalike.domain.track_id import TrackId
from soundalike.http.errors import Missing, RateLimited, ServiceRefused, ServiceUnavailable
from soundalike.soundcloud import Tracks

if TYPE_CHECKING:
    from soundalike.crawler.ingest import Ingest
    from soundalike.crawler.preview_hosts import HostList
    from soundalike.crawler.previews.chain import PreviewChain
    from soundalike.crawler.stats import Outcome
    from soundalike.db.database import Pool
    from soundalike.soundcloud import Connection

NAME: Final = "soundcloud"
PREVIEW: Final = "preview"
"""Name of the request in the manifest."""

_FINAL_STATES: Final = frozenset({State.READY, State.QUEUED, State.REJECTED, State.FORGOTTEN})


@dataclass(frozen=True, slots=True)
class SoundCloudPreviews:
    """Finds where the preview of a SoundCloud track lies (see `crawler.previews.provider.PreviewProvider`)."""

    connection: Connection
    hosts: HostList

    @property
    def name(self) -> str:
        """Name of the provider, as stored with the track."""
        return NAME

    async def find(self, request: PreviewRequest) -> provider.PreviewResult:
        """Look for a preview; raises `PreviewUnavailable` when SoundCloud does not answer."""
        track = request.track.id
        if track.source != NAME:
            return PreviewAbsent("")
        try:
            address = await Tracks(self.connection).preview(track.urn)
        except Missing:
            return PreviewAbsent("SoundCloud offers no preview")
        except RateLimited as error:
            raise PreviewUnavailable("SoundCloud reached its rate limit", str(error), wait_s=error.wait_s) from error
        except ServiceUnavailable as error:
            raise PreviewUnavailable("SoundCloud did not answer", str(error)) from error
        except ServiceRefused as error:
            raise PreviewUnavailable("SoundCloud refuses the request", str(error)) from error
        provenance = Provenance(NAME, "own", track.urn.rpartition(":")[2], 1.0)
        return provider.PreviewFound(address, self.hosts, provenance, expires=True)


@dataclass(frozen=True, slots=True)
class PreviewIngest:
    """Uploads the preview of a track that the walk stored."""

    pool: Pool
    ingest: Ingest
    chain: PreviewChain

    async def process(self, urn: str) -> Outcome | None:
        """Upload one preview to the object store; returns how that ended, None where there was nothing to do."""
        stored = await tracks.get(self.pool, TrackId.from_urn(urn))
        if stored is None or stored.state in _FINAL_STATES:
            return None
        offer = self.chain.offer(PreviewRequest(stored.track, source_names_previews=False))
        outcome = await self.ingest.process(TrackEntry(0, stored.track.title or urn, stored.track, offer))
        if outcome.status is OutcomeStatus.FAILED:
            raise PreviewUnavailable(outcome.reason, outcome.detail, wait_s=outcome.wait_s)
        return outcome
