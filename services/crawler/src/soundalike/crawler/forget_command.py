"""`forget`: by address, by ISRC, or by title and artist."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from soundalike import logs
from soundalike.crawler import erasure
from soundalike.crawler.console_commands import confirm, fail, plural, with_catalogue
from soundalike.crawler.errors import InvalidTarget
from soundalike.domain.isrc import normalised_isrc
from soundalike.errors import StoreUnavailable
from soundalike.settings import StoreSettings, load
from soundalike.storage.object_store import S3Store
from soundalike.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from soundalike.crawler.erasure import Erasure, Subject
    from soundalike.db.database import Pool
    from soundalike.db.encodings import OtherEncoding
    from soundalike.db.tracks import StoredTrack

T = TypeVar("T")

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Deletes stored data on request and blocks it from being crawled again.",
)


@app.command()
def forget(
    what: Annotated[
        str | None, typer.Argument(help="A track, an artist, a user or a playlist: address, URI or URN.")
    ] = None,
    *,
    isrc: Annotated[str | None, typer.Option(help="Instead: a recording by its ISRC, with all its tracks.")] = None,
    title: Annotated[str | None, typer.Option(help="Instead: a recording by title, with --artist.")] = None,
    artist: Annotated[str | None, typer.Option(help="The artist of that recording.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    with_tracks: Annotated[
        bool, typer.Option("--with-tracks", help="For a playlist: forget its tracks as well.")
    ] = False,
    recordings: Annotated[
        bool, typer.Option("--recordings", help="For a file: forget other encodings of its recording without asking.")
    ] = False,
) -> None:
    """Delete a track, artist, user, playlist or recording, and block it from being crawled again."""
    logs.configure("crawler", "WARNING")
    named = title is not None or artist is not None
    if [what is not None, isrc is not None, named].count(True) != 1:
        raise typer.BadParameter("give one of these: a track, artist, user or playlist; --isrc; --title with --artist")
    if what is not None:
        _forget_subject(what, with_tracks=with_tracks, with_encodings=recordings)
    elif isrc is not None:
        _forget_isrc(isrc)
    elif title and artist:
        _forget_named(title, artist, yes=yes)
    else:
        raise typer.BadParameter("--title and --artist must be given together")


def _forget_subject(text: str, *, with_tracks: bool, with_encodings: bool) -> None:
    store = S3Store.connect(load(StoreSettings))

    async def find(pool: Pool) -> tuple[Subject, list[OtherEncoding]]:
        subject = await erasure.parse_subject(pool, text)
        return subject, await erasure.find_other_encodings(pool, subject)

    try:
        subject, others = _run(find)
    except InvalidTarget as error:
        raise typer.BadParameter(str(error), param_hint="what") from error
    if others:
        echo("files that may be other encodings of this recording:")
        for other in others:
            echo(f"  {_format_track(other.stored)}  ({other.reason})")
        with_encodings = with_encodings or (
            sys.stdin.isatty() and typer.confirm(f"Forget {plural(len(others), 'file')} as well?")
        )
    done = _run(lambda pool: erasure.forget(pool, store, subject, with_tracks=with_tracks))
    if not done.was_known:
        echo(f"nothing is known of the {subject.kind} {subject.urn}; it is blocked from now on")
    else:
        echo(f"forgotten: {subject.kind} {subject.urn}, {_format_counts(done)}; it is blocked from now on")
    if others and with_encodings:
        counts = _format_counts(_run(lambda pool: erasure.forget_encodings(pool, store, others)))
        echo(f"forgotten: other encodings, {counts}; they are blocked from now on")
    elif others:
        echo("the other files stay; to forget one: soundalike forget file:track:…")


def _forget_isrc(text: str) -> None:
    code = normalised_isrc(text)
    if code is None:
        raise typer.BadParameter(f"{text[:80]!r} is not an ISRC; an example is GBDUW0000059", param_hint="isrc")
    store = S3Store.connect(load(StoreSettings))
    done = _run(lambda pool: erasure.forget_releases(pool, store, [code]))
    what = (
        f"forgotten: ISRC {code}, {_format_counts(done)}" if done.tracks else f"no track with the ISRC {code} is known"
    )
    echo(f"{what}; tracks with this ISRC are blocked from now on")


def _forget_named(title: str, artist: str, *, yes: bool) -> None:
    releases = _run(lambda pool: erasure.find_releases(pool, title, artist))
    if not releases:
        fail(
            f"no stored track is called {title!r} by {artist!r}. Spelling and notes such as (Remastered) are ignored, "
            "versions such as (Live) are not; GET /search finds tracks by parts of their names"
        )
    echo("tracks of this name, and tracks with the ISRC of one of them:")
    for each in releases:
        echo(f"  {_format_track(each)}")
    if not yes:
        confirm(f"Forget {plural(len(releases), 'track')}?", "nothing was forgotten")
    store = S3Store.connect(load(StoreSettings))
    isrcs = erasure.isrcs_of(releases)
    tracks = [each.track.id for each in releases]
    done = _run(lambda pool: erasure.forget_releases(pool, store, isrcs, tracks))
    others = (
        f"and so is every track with ISRC {', '.join(isrcs)}"
        if isrcs
        else "but another release would not be recognised, as none of them has an ISRC"
    )
    echo(f"forgotten: {_format_counts(done)}; these tracks are blocked from now on, {others}")


def _run(work: Callable[[Pool], Awaitable[T]]) -> T:
    """Do something with the database; exits with a sentence where it or the bucket is away."""
    try:
        return with_catalogue(work, let_through=(StoreUnavailable, InvalidTarget))
    except StoreUnavailable as error:
        fail(f"forgotten, but the previews could not be deleted: {error}; run the same command again")


def _format_track(stored: StoredTrack) -> str:
    track = stored.track
    name = " \N{EN DASH} ".join(filter(None, (", ".join(track.artists), track.title)))
    album = f"[{track.album}]" if track.album else None
    return "  ".join(filter(None, (track.id.urn, name, album, track.isrc, stored.state.value)))


def _format_counts(erasure: Erasure) -> str:
    return f"{plural(erasure.tracks, 'track')}, {plural(erasure.previews, 'preview')} deleted"
