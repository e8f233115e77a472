"""The demo: composed music from a playlist to recommendations, on the platform of this machine."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from typing import TYPE_CHECKING

import httpx
from rich.console import Console

from soundalike.db import database, track_states, tracks
from soundalike.db.tracks import State
from soundalike.local import recommendation
from soundalike.local.analysis import analysis_display, wait_for_analysis
from soundalike.local.api_client import ApiClient
from soundalike.local.data_directory import sandbox_music_directory
from soundalike.local.errors import LocalPlatformError
from soundalike.local.platform import Platform
from soundalike.local.program import python_command, run_in_terminal, shown_command
from soundalike.local.recommendation import brief_lines
from soundalike.sandbox.catalogue import PIECES_PER_STYLE, pieces, style_of
from soundalike.sandbox.errors import UnknownPiece
from soundalike.sandbox.own_files import OWN_FILES, write_own_files
from soundalike.sandbox.playlists import DEMO_PLAYLIST_ID
from soundalike.sandbox.preview_cache import PreviewCache
from soundalike.sandbox.store_catalogues import GENERATED_KEYS
from soundalike.terminal import echo

if TYPE_CHECKING:
    from soundalike.db.database import Pool
    from soundalike.local.data_directory import DataDirectory
    from soundalike.local.running_platform import RunningPlatform
    from soundalike.sandbox.catalogue import Piece

TOP = 5
EXTRA_TRACK = f"deezer:track:{GENERATED_KEYS + 2}"
"""A track that the sandbox knows and the sample playlist does not contain."""

_SHOWN_STYLES = 4
_INDEX_TIMEOUT_S = 60.0
_POLL_S = 0.3


class DemoFailure(LocalPlatformError):
    """A step of the demo failed."""


class Demo:
    """A platform on a data folder of its own, which crawls the sandbox."""

    def __init__(self, data: DataDirectory, *, port: int) -> None:
        self._data = data
        self.platform = Platform(data, port=port, sandbox=True, report=echo)

    async def run(self, *, once: bool) -> int:
        """Crawl, extract and index the sample playlist, show recommendations, and go on serving unless `once`.

        Returns the exit status; raises `LocalPlatformError`.
        """
        started = time.monotonic()
        async with self.platform.running() as running:
            await self.platform.run_while_up(self._demonstrate(running, started))
            if not once:
                _print_next_steps(running, f"{shown_command()} crawl{self._data.command_option}")
                await self.platform.watch()
        return 0

    async def _demonstrate(self, running: RunningPlatform, started: float) -> None:
        async with database.connect(running.environment["DATABASE_URL"], size=1) as pool:
            before = await track_states.count_by_state(pool)
            echo("", "Crawling the sample playlist: eight styles of composed music")
            await self._run(running, "soundalike.crawler", "--playlist", DEMO_PLAYLIST_ID)
            echo("", "Analysing it")
            with analysis_display(Console()) as display:
                await wait_for_analysis(pool, display, before)
            await _check_analysis(pool)
            await self._crawl_own_files(running, pool)
        echo("", "Building the index")
        await self._run(running, "soundalike.indexer", "build")
        await _wait_for_index(running)
        responses = {}
        for piece in pieces():
            responses[piece] = await asyncio.to_thread(_recommend, running, piece)
            if len(responses) == 1:
                echo("", f"First recommendation after {time.monotonic() - started:.1f} s")
        for piece in [p for p in responses if p.index == 0][:_SHOWN_STYLES]:
            echo("", *brief_lines(responses[piece], TOP, _label))
        echo("", summarise(style_shares(responses)))

    async def _crawl_own_files(self, running: RunningPlatform, pool: Pool) -> None:
        """Crawl a few files that lie on this machine: of the playlist's tracks no service plays anything."""
        before, folder = await track_states.count_by_state(pool), self._data.root / "music"
        echo("", f"Crawling {len(OWN_FILES)} files of {folder}, which the page can play")
        try:
            await asyncio.to_thread(write_own_files, folder, PreviewCache(sandbox_music_directory()))
        except OSError as error:
            raise DemoFailure(f"{folder} cannot be written: {error.strerror}") from error
        await self._run(running, "soundalike.crawler", "--folder", str(folder))
        with analysis_display(Console()) as display:
            await wait_for_analysis(pool, display, before)

    async def _run(self, running: RunningPlatform, *arguments: str) -> None:
        status, _ = await run_in_terminal(
            python_command(*arguments), running.child_environment(os.environ), self.platform.supervisor.force_stop
        )
        if status != 0:
            raise DemoFailure(f"`python -m {' '.join(arguments)}` failed with exit status {status}.")


def _print_next_steps(running: RunningPlatform, crawl_command: str) -> None:
    echo("", f"Serving on {running.api_url}. Press Ctrl-C to stop. Try in another terminal:")
    echo(f"  curl '{running.api_url}/recommend?track={_urn(pieces()[0])}&n=5'")
    echo(f"  curl -X PUT '{running.api_url}/tracks/{EXTRA_TRACK}'    # request one more track")
    echo(f"  {crawl_command} --folder ~/Music")


def style_shares(responses: dict[Piece, recommendation.RecommendationResponse]) -> list[float]:
    """Return, for each piece, the share of its first five results in its own style; raises `DemoFailure`."""
    shares = []
    for piece, response in responses.items():
        first = response.results[:TOP]
        if len(first) < TOP:
            raise DemoFailure(f"Expected {TOP} recommendations for {piece.title}, got {len(first)}.")
        shares.append(sum(_style(result.urn) == piece.style for result in first) / TOP)
    return shares


def summarise(shares: list[float]) -> str:
    """Say how often the first results share the query's style, beside what chance would give."""
    chance = (PIECES_PER_STYLE - 1) / (len(shares) - 1)
    return (
        f"{sum(shares) / len(shares):.0%} of the first {TOP} results share the style of the query "
        f"(chance: {chance:.0%}; {len(shares)} queries). The styles are far apart on purpose: this shows that the "
        "platform works, not how good its recommendations are on real music."
    )


async def _check_analysis(pool: Pool) -> None:
    urns = [_urn(piece) for piece in pieces()]
    counts = Counter(track.state for track in (await tracks.get_many(pool, urns)).values())
    if counts[State.READY] < len(urns):
        raise DemoFailure(
            f"Some tracks could not be analysed ({_format_counts(counts)}): see the log of the extractor."
        )


async def _wait_for_index(running: RunningPlatform) -> None:
    deadline = time.monotonic() + _INDEX_TIMEOUT_S
    query = {"track": _urn(pieces()[0])}
    async with httpx.AsyncClient(base_url=running.api_url, trust_env=False) as client:
        while True:
            response = await client.get("/recommend", params=query)
            if response.is_success and response.json()["index"]["version"] is not None:
                return
            if time.monotonic() > deadline:
                raise DemoFailure(f"The API does not use the index: {response.text}")
            await asyncio.sleep(_POLL_S)


def _recommend(running: RunningPlatform, piece: Piece) -> recommendation.RecommendationResponse:
    # All tracks of an artist or an album are of one style: limits on them would hide the nearest.
    # Of the playlist only, since the share of a style is counted there.
    unlimited = {"n": "10", "max_per_artist": "100", "max_per_album": "100", "source": "spotify"}
    return recommendation.recommend(
        ApiClient(running.api_url), recommendation.RecommendationRequest([_urn(piece)], parameters=unlimited)
    )


def _urn(piece: Piece) -> str:
    return f"spotify:track:{piece.spotify_id}"


def _style(urn: str) -> str | None:
    # People may have crawled music of their own into the demo's platform.
    try:
        return style_of(urn)
    except UnknownPiece:
        return None


def _label(track: recommendation.TrackSummary) -> str:
    return f"{track.title} by {', '.join(track.artists)} [{_style(track.urn) or 'your own music'}]"


def _format_counts(counts: Counter[State]) -> str:
    return ", ".join(f"{n} {state.value}" for state, n in counts.items()) or "no tracks"
