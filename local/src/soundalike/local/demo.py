"""The demo: composed music the whole way, from a playlist to answers, on the embedded platform."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from typing import TYPE_CHECKING

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from soundalike.db import database, tracks
from soundalike.db.tracks import State
from soundalike.local import recommendation
from soundalike.local.errors import LocalPlatformError
from soundalike.local.platform import Platform
from soundalike.local.program import python_command
from soundalike.sandbox.catalogue import PIECES_PER_STYLE, pieces, style_of
from soundalike.sandbox.errors import UnknownPiece
from soundalike.sandbox.playlists import DEMO_PLAYLIST_ID
from soundalike.sandbox.store_catalogues import GENERATED_KEYS

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from soundalike.local.data_directory import DataDirectory
    from soundalike.local.running_platform import RunningPlatform
    from soundalike.sandbox.catalogue import Piece

TOP = 5
EXTRA_TRACK = f"deezer:track:{GENERATED_KEYS + 2}"
"""A track that the sandbox has and its sample playlist has not."""

_SHOWN_STYLES = 4
_EXTRACTION_TIMEOUT_S = 900.0
_POLL_S = 0.3


class DemoFailure(LocalPlatformError):
    """A step of the demo did not end as it should."""


class Demo:
    """A platform with the sandbox beside it, on a data folder of its own."""

    def __init__(self, data: DataDirectory, *, port: int) -> None:
        self.platform = Platform(data, port=port, sandbox=True, report=typer.echo)

    async def run(self, *, once: bool) -> int:
        """Send the sample playlist through the platform, show answers, and serve on unless `once`.

        Returns the exit status; raises `LocalPlatformError` for whatever went wrong.
        """
        async with self.platform.running() as running:
            watching = asyncio.create_task(self.platform.watch())
            try:
                await _while_watched(watching, _demonstrate(running))
                if not once:
                    _print_next_steps(running)
                    await watching
            finally:
                watching.cancel()
        return 0


def _print_next_steps(running: RunningPlatform) -> None:
    typer.echo(f"\nServing on {running.api_url} until Ctrl-C. Try, in another terminal:")
    typer.echo(f"  curl '{running.api_url}/recommend?track={_urn(pieces()[0])}&n=5'")
    typer.echo(f"  curl -X PUT '{running.api_url}/tracks/{EXTRA_TRACK}'    # please add it; then ask for it as above")
    typer.echo("  make crawl FOLDER=~/Music")


async def _demonstrate(running: RunningPlatform) -> None:
    typer.echo("\nCrawling the sample playlist: eight styles of composed music, offered by the sandbox")
    await _run(running, "soundalike.crawler", "--playlist", DEMO_PLAYLIST_ID)
    typer.echo("\nHearing it")
    await _wait_for_embeddings(running)
    typer.echo("\nBuilding the index")
    await _run(running, "soundalike.indexer", "build")
    await _wait_for_index(running)
    asked = {piece: await asyncio.to_thread(_recommend, running, piece) for piece in pieces()}
    for piece in [p for p in asked if p.index == 0][:_SHOWN_STYLES]:
        typer.echo(f"\n{_label(asked[piece].seeds[0])}  sounds like")
        for answer in asked[piece].results[:TOP]:
            typer.echo(f"  {answer.rank}  {answer.score:.3f}  {_label(answer)}")
    typer.echo("\n" + summarise(style_shares(asked)))


def style_shares(responses: dict[Piece, recommendation.RecommendationResponse]) -> list[float]:
    """Return, for each question, the share of its first five answers in its own style; raises `DemoFailure`."""
    found = []
    for piece, answers in responses.items():
        first = answers.results[:TOP]
        if len(first) < TOP:
            raise DemoFailure(f"only {len(first)} tracks were recommended for {piece.title}; {TOP} were expected")
        found.append(sum(_style(answer.urn) == piece.style for answer in first) / TOP)
    return found


def summarise(shares: list[float]) -> str:
    """Say how often the first answers share the query's style, beside what chance would give."""
    chance = (PIECES_PER_STYLE - 1) / (len(shares) - 1)
    return (
        f"Of the first {TOP} answers, {sum(shares) / len(shares):.0%} share the style of the question "
        f"(chance: {chance:.0%}; {len(shares)} questions). The styles are far apart on purpose: this shows that the "
        "way from playlist to answer works, not how good the answers are on real music."
    )


async def _wait_for_embeddings(running: RunningPlatform) -> None:
    deadline = time.monotonic() + _EXTRACTION_TIMEOUT_S
    urns = [_urn(piece) for piece in pieces()]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    async with database.connect(running.environment["DATABASE_URL"], size=1) as pool:
        with Progress(*columns) as progress:
            task = progress.add_task("ready", total=len(pieces()))
            while True:
                counts = Counter(stored.state for stored in (await tracks.get_many(pool, urns)).values())
                progress.update(task, completed=counts[State.READY])
                if not counts[State.PENDING] + counts[State.QUEUED]:
                    break
                if time.monotonic() > deadline:
                    raise DemoFailure(
                        f"after {_EXTRACTION_TIMEOUT_S:.0f} s not everything is heard: {_format_counts(counts)}"
                    )
                await asyncio.sleep(_POLL_S)
    if counts[State.READY] < len(pieces()):
        raise DemoFailure(
            f"not everything could be heard: {_format_counts(counts)}; see `soundalike status` and the logs"
        )


async def _wait_for_index(running: RunningPlatform) -> None:
    deadline = time.monotonic() + 60
    question = {"track": _urn(pieces()[0])}
    async with httpx.AsyncClient(base_url=running.api_url, trust_env=False) as client:
        while True:
            answer = await client.get("/recommend", params=question)
            if answer.is_success and answer.json()["index"]["version"] is not None:
                return
            if time.monotonic() > deadline:
                raise DemoFailure(f"the API does not answer from the index: {answer.text}")
            await asyncio.sleep(_POLL_S)


async def _run(running: RunningPlatform, *arguments: str) -> None:
    child = await asyncio.create_subprocess_exec(*python_command(*arguments), env=running.child_environment(os.environ))
    try:
        status = await child.wait()
    except asyncio.CancelledError:
        child.terminate()
        await child.wait()
        raise
    if status != 0:
        raise DemoFailure(f"`python -m {' '.join(arguments)}` ended with status {status}")


async def _while_watched(watch: asyncio.Task[None], work: Awaitable[None]) -> None:
    """Do the work, unless the platform falls apart meanwhile."""
    working = asyncio.ensure_future(work)
    try:
        await asyncio.wait({watch, working}, return_when=asyncio.FIRST_COMPLETED)
        if watch.done():
            await watch
            raise DemoFailure("the platform stopped")
        await working
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


def _recommend(running: RunningPlatform, piece: Piece) -> recommendation.RecommendationResponse:
    # Its albums and artists are styles; limits on them would show something else than the nearest.
    unlimited = {"n": "10", "max_per_artist": "100", "max_per_album": "100"}
    return recommendation.recommend(
        running.api_url, recommendation.RecommendationRequest([_urn(piece)], parameters=unlimited)
    )


def _urn(piece: Piece) -> str:
    return f"spotify:track:{piece.spotify_id}"


def _style(urn: str) -> str | None:
    # Music of one's own may have been crawled into the demo's platform.
    try:
        return style_of(urn)
    except UnknownPiece:
        return None


def _label(track: recommendation.TrackSummary) -> str:
    return f"{track.title} by {', '.join(track.artists)} [{_style(track.urn) or 'your own'}]"


def _format_counts(counts: Counter[State]) -> str:
    return ", ".join(f"{n} {state.value}" for state, n in counts.items()) or "nothing is known"
