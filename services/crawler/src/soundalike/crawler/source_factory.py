"""Making sources out of what a person, a schedule or a request names, as far as the settings allow."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self, assert_never

from soundalike.crawler.errors import SourceRefused
from soundalike.crawler.library.clip_offer import clip_encoder_pool
from soundalike.crawler.library.file_reader import FileReader
from soundalike.crawler.library.listed_files import ListedFiles
from soundalike.crawler.library.scan import LibraryScan
from soundalike.crawler.previews.factory import create_chain, deezer_api
from soundalike.crawler.sources.deezer import DeezerList
from soundalike.crawler.sources.deezer_address import DeezerTarget
from soundalike.crawler.sources.registry import parse_address_target
from soundalike.crawler.sources.spotify import (
    SavedTracks,
    SpotifyAlbum,
    SpotifyPlaylist,
    SpotifyTrack,
    playlists_of_user,
)
from soundalike.crawler.sources.spotify_address import AlbumId, PlaylistId
from soundalike.crawler.sources.spotify_web_api import SPOTIFY, SpotifyWebApi
from soundalike.crawler.sources.track_lists.own_tracks import OwnTracks
from soundalike.crawler.sources.track_lists.resolver import Resolver
from soundalike.crawler.sources.track_lists.track_list_file import TrackListFile
from soundalike.crawler.tag_reader import TagReader
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    import httpx

    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.crawler.library.scan import ScanOptions
    from soundalike.crawler.previews.chain import PreviewChain
    from soundalike.crawler.services.deezer import DeezerApi
    from soundalike.crawler.settings import CrawlerSettings
    from soundalike.crawler.sources.registry import ServiceTarget, Target
    from soundalike.crawler.sources.source import Source
    from soundalike.crawler.sources.track_lists.formats import ListFile
    from soundalike.db.database import Pool
    from soundalike.db.libraries import Subfolder
    from soundalike.domain.file_paths import PathPrefix
    from soundalike.http.rate_limiter import Limiter, RateLimit


class SourceFactory:
    """Everything that sources are made of, opened when first needed; use it as a context manager.

    `has_former_identities`: files may be known by an identity of a former rule (see `db.identities`).
    """

    def __init__(
        self,
        settings: CrawlerSettings,
        client: httpx.AsyncClient,
        limiters: Callable[[RateLimit], Limiter],
        *,
        has_former_identities: bool = False,
    ) -> None:
        self._settings = settings
        self._client = client
        self._limiters = limiters
        self._stack = ExitStack()
        self._spotify: SpotifyWebApi | None = None
        self._encoders: ClipEncoderPool | None = None
        # Its process is started with the first file.
        self._tag_reader = self._stack.enter_context(TagReader())
        self._file_reader = self._stack.enter_context(
            FileReader(with_checksum=has_former_identities, include_video=settings.include_video)
        )
        self.chain: PreviewChain = create_chain(settings, client, self._tag_reader, limiters)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def services(self) -> list[str]:
        """Names of the services whose lists may be read."""
        allowed = {"spotify": self._settings.spotify_is_allowed, "deezer": self._settings.deezer_is_allowed}
        return [name for name, is_allowed in allowed.items() if is_allowed]

    @property
    def sources_of_lists(self) -> list[str]:
        """Names of the sources whose lists may be read again: those services, and files."""
        return [*self.services, "list"]

    def create(self, target: ServiceTarget) -> Source:
        """Return the source that a target names; exits with 78 where the settings do not allow it."""
        match target:
            case PlaylistId():
                return SpotifyPlaylist(target, self._spotify_api(), self.chain)
            case AlbumId():
                return SpotifyAlbum(target, self._spotify_api(), self.chain)
            case TrackId():
                return SpotifyTrack(target, self._spotify_api(), self.chain)
            case DeezerTarget():
                return DeezerList(target, self._deezer_api(), self.chain)
        assert_never(target)

    def create_list(self, pool: Pool, target: ListFile, prefix: PathPrefix | None = None) -> TrackListFile:
        """Return the list in a file; `prefix` is what its paths begin with, and what they begin with here."""
        files = ListedFiles(pool, self._file_reader, self._clip_encoders())
        return TrackListFile(target, self._resolver(), self.chain, OwnTracks(pool, prefix), files)

    def create_scan(self, pool: Pool, subfolder: Subfolder, options: ScanOptions) -> LibraryScan:
        """Return a scan of a library, or of a folder in it."""
        return LibraryScan(pool, subfolder, self._file_reader, self._clip_encoders(), options)

    def create_for_track(self, track: TrackId) -> Source:
        """Return the source of a single track; raises `SourceRefused` where its service is off or has no such thing."""
        self._check(track.source, f"{track} cannot be fetched")
        return self.create(DeezerTarget("track", track.key) if track.source == "deezer" else track)

    def create_for_playlist(self, urn: str) -> Source:
        """Return the source of a list that was crawled before; raises `SourceRefused` where its service is off."""
        self._check(urn.partition(":")[0], f"{urn} cannot be read again")
        if urn.startswith("spotify:user:"):
            return self.create_for_saved_tracks()
        return self.create(parse_address_target(urn))

    def create_for_saved_tracks(self) -> Source:
        """Return what the user of Spotify saved."""
        return SavedTracks(self._spotify_api(), self.chain)

    async def create_for_library(self) -> list[Source]:
        """Return what the user of Spotify saved, and the playlists of theirs; raises `ServiceError`."""
        api = self._spotify_api()
        return [self.create_for_saved_tracks(), *[self.create(playlist) for playlist in await playlists_of_user(api)]]

    def _check(self, service: str, what: str) -> None:
        if service not in self.services:
            setting = f"{service.upper()}_TERMS_ACCEPTED"
            known = {"spotify", "deezer"}
            how = f"{service} is disabled, see {setting}" if service in known else "it has no address"
            raise SourceRefused(f"{what}: {how}")

    def _spotify_api(self) -> SpotifyWebApi:
        if self._spotify is None:
            api = SpotifyWebApi(
                self._settings.spotify(), limiter=self._limiters(SPOTIFY), contact=self._settings.crawler_contact
            )
            self._spotify = self._stack.enter_context(api)
        return self._spotify

    def _deezer_api(self) -> DeezerApi:
        return deezer_api(self._settings, self._client, self._limiters)

    def _resolver(self) -> Resolver | None:
        return Resolver(self._deezer_api()) if self._settings.deezer_is_allowed else None

    def _clip_encoders(self) -> ClipEncoderPool:
        if self._encoders is None:
            self._encoders = self._stack.enter_context(clip_encoder_pool())
        return self._encoders


def check_settings(settings: CrawlerSettings, targets: Iterable[Target], *, library: bool) -> None:
    """Exit with 78, naming the variables, where the settings do not allow what is to be crawled."""
    requested = list(targets)
    if library or any(isinstance(target, PlaylistId | AlbumId | TrackId) for target in requested):
        settings.spotify()
    if any(isinstance(target, DeezerTarget) for target in requested):
        settings.deezer()
