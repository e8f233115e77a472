"""`forget`: by address, by ISRC, or by title and artist."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from soundalike import logs
from soundalike.crawler import erasure
from soundalike.crawler.errors import InvalidTarget
from soundalike.crawler.session import DATABASE_FAILURES, FAILED
from soundalike.db import database
from soundalike.domain.isrc import normalised_isrc
from soundalike.errors import StoreUnavailable
from soundalike.settings import DatabaseSettings, StoreSettings, load
from soundalike.storage.object_store import S3Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from soundalike.crawler.erasure import Erasure
    from soundalike.db.database import Pool
    from soundalike.db.tracks import StoredTrack

T = TypeVar("T")

app = typer.Typer(add_completion=False, help="Deletes on request what is held, and keeps it from coming back.")


@app.command()
def forget(
    what: Annotated[
        str | None, typer.Argument(help="A track, an artist, a user or a playlist: address, URI or URN.")
    ] = None,
    *,
    isrc: Annotated[str | None, typer.Option(help="Instead, a recording by its code: all tracks that bear it.")] = None,
    title: Annotated[str | None, typer.Option(help="Instead, a recording by its title; --artist with it.")] = None,
    artist: Annotated[str | None, typer.Option(help="Who plays it.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Forget what has that title without asking.")] = False,
    with_tracks: Annotated[
        bool, typer.Option("--with-tracks", help="Of a playlist: its tracks as well, not only the list.")
    ] = False,
) -> None:
    """Delete what is held of a track, artist, user, playlist or recording, and keep it from coming back."""
    logs.configure("crawler", "WARNING")
    named = title is not None or artist is not None
    if [what is not None, isrc is not None, named].count(True) != 1:
        raise typer.BadParameter("say one thing: a track, artist, user or playlist; or --isrc; or --title and --artist")
    if what is not None:
        _forget_subject(what, with_tracks=with_tracks)
    elif isrc is not None:
        _forget_isrc(isrc)
    elif title and artist:
        _forget_named(title, artist, yes=yes)
    else:
        raise typer.BadParameter("--title and --artist go together: a title alone has many owners")


def _forget_subject(text: str, *, with_tracks: bool) -> None:
    store = S3Store.connect(load(StoreSettings))

    async def work(pool: Pool) -> str:
        subject = await erasure.parse_subject(pool, text)
        done = await erasure.forget(pool, store, subject, with_tracks=with_tracks)
        return f"{subject.kind} {subject.urn}, {_format_counts(done)}; it will not come back"

    try:
        typer.echo(f"forgotten: {_run(work)}")
    except InvalidTarget as error:
        raise typer.BadParameter(str(error), param_hint="what") from error


def _forget_isrc(text: str) -> None:
    code = normalised_isrc(text)
    if code is None:
        raise typer.BadParameter(f"{text[:80]!r} is no ISRC; expected such as GBDUW0000059", param_hint="isrc")
    store = S3Store.connect(load(StoreSettings))
    done = _run(lambda pool: erasure.forget_releases(pool, store, [code]))
    typer.echo(f"forgotten: ISRC {code}, {_format_counts(done)}; nothing that bears it will come back")


def _forget_named(title: str, artist: str, *, yes: bool) -> None:
    found = _run(lambda pool: erasure.find_releases(pool, title, artist))
    if not found:
        _fail(
            f"nothing that is held is called {title!r} by {artist!r}. Spelling and notes such as (Remastered) do not "
            "matter, a version such as (Live) does; GET /search finds tracks by parts of their names"
        )
    typer.echo("called so, or with the ISRC of one that is:")
    for each in found:
        typer.echo(f"  {_format_track(each)}")
    if not yes:
        _confirm(len(found))
    store = S3Store.connect(load(StoreSettings))
    isrcs = erasure.isrcs_of(found)
    tracks = [each.track.id for each in found]
    done = _run(lambda pool: erasure.forget_releases(pool, store, isrcs, tracks))
    others = (
        f"nor will anything that bears {', '.join(isrcs)}"
        if isrcs
        else "another release is not recognised, as none of these has an ISRC"
    )
    typer.echo(f"forgotten: {_format_counts(done)}; these will not come back, {others}")


def _confirm(count: int) -> None:
    if not sys.stdin.isatty():
        _fail("nothing was forgotten, because nobody can be asked here: the same with --yes does it")
    if not typer.confirm(f"Forget {_plural(count, 'track')}?"):
        _fail("nothing was forgotten")


def _run(work: Callable[[Pool], Awaitable[T]]) -> T:
    """Do something with the database; exits with a sentence where it or the bucket is away."""
    settings = load(DatabaseSettings)

    async def do() -> T:
        async with database.connect(settings.database_url.get_secret_value(), size=1) as pool:
            return await work(pool)

    try:
        return asyncio.run(do())
    except StoreUnavailable as error:
        _fail(f"forgotten, but the previews could not be deleted: {error}; run the same again")
    except InvalidTarget:
        raise
    except DATABASE_FAILURES as error:
        _fail(f"the database (DATABASE_URL) cannot be used: {str(error) or type(error).__name__}")


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(FAILED)


def _format_track(stored: StoredTrack) -> str:
    track = stored.track
    name = " \N{EN DASH} ".join(filter(None, (", ".join(track.artists), track.title)))
    album = f"[{track.album}]" if track.album else None
    return "  ".join(filter(None, (track.id.urn, name, album, track.isrc, stored.state.value)))


def _format_counts(erasure: Erasure) -> str:
    return f"{_plural(erasure.tracks, 'track')}, {_plural(erasure.previews, 'preview')} deleted"


def _plural(count: int, what: str) -> str:
    return f"{count} {what if count == 1 else what + 's'}"
