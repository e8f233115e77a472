"""The command `soundalike recommend`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from soundalike.local import recommendation
from soundalike.local.api_client import KEY_VARIABLE, ApiClient
from soundalike.local.command_line import Data, fail
from soundalike.local.errors import LocalPlatformError, UnusableFile
from soundalike.local.named_tracks import resolve
from soundalike.local.running_platform import find_default
from soundalike.terminal import echo, echo_document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from soundalike.local.named_tracks import NamedTrack


def recommend(
    tracks: Annotated[
        list[str] | None,
        typer.Argument(metavar="TRACK…", help="Links, URIs, ids or names of tracks, or a music file."),
    ] = None,
    *,
    playlist: Annotated[
        str | None,
        typer.Option(
            help="Recommend for a playlist instead of tracks: its address or id, or a list file that was crawled."
        ),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Recommend for a SoundCloud user instead of tracks.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Compare by sound, by taste (who favourites the tracks), or by both.")
    ] = None,
    blend: Annotated[
        float | None, typer.Option(help="Weight of taste with --by both, 0 to 1 (default: 0.5).", min=0, max=1)
    ] = None,
    n: Annotated[int, typer.Option("-n", help="How many recommendations.", min=1, max=100)] = 10,
    min_score: Annotated[float | None, typer.Option(help="Lowest score, 0 to 1.", min=0, max=1)] = None,
    max_per_artist: Annotated[
        int | None, typer.Option(help="Most tracks by one artist (default: 2).", min=1, max=100)
    ] = None,
    max_per_album: Annotated[
        int | None, typer.Option(help="Most tracks from one album (default: 1).", min=1, max=100)
    ] = None,
    diversity: Annotated[
        float | None, typer.Option(help="How much the results should differ from each other, 0 to 1.", min=0, max=1)
    ] = None,
    not_like: Annotated[
        list[str] | None,
        typer.Option(help="The results are not to sound like this track, named as TRACK. Repeatable."),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only tracks with this tag. Repeatable.")] = None,
    not_tag: Annotated[list[str] | None, typer.Option(help="No tracks with this tag. Repeatable.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Leave out this track. Repeatable.")] = None,
    exclude_artist: Annotated[list[str] | None, typer.Option(help="Leave out this artist. Repeatable.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Only from spotify, deezer, soundcloud or file. Repeatable.")
    ] = None,
    min_duration: Annotated[float | None, typer.Option(help="Shortest duration in seconds.", min=0)] = None,
    max_duration: Annotated[float | None, typer.Option(help="Longest duration in seconds.", min=0)] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="Output format: json, m3u, jspf or csv (default: text).")
    ] = None,
    paths: Annotated[
        str | None,
        typer.Option(
            help="How m3u, jspf and csv name your own files: absolute (default), relative=FOLDER, uri or none."
        ),
    ] = None,
    path_prefix_from: Annotated[
        str | None, typer.Option(help="For the paths of another machine: the folder that --path-prefix-to replaces.")
    ] = None,
    path_prefix_to: Annotated[str | None, typer.Option(help="The same folder as the other machine names it.")] = None,
    data: Data = None,
) -> None:
    """Show tracks that sound like the given ones (or that the same people like), or that fit a playlist or a user.

    A track is given by its link, URI or id, by its name ("boards of canada roygbiv"), or as a file: one that is not in
    the catalogue is analysed, and nothing of it is kept. SOUNDALIKE_API_KEY holds the key for an API that asks for one.
    """
    if [bool(tracks), playlist is not None, user is not None].count(True) != 1:
        raise typer.BadParameter("name tracks, or use --playlist, or --user")
    options = {
        "user": user,
        "by": by,
        "blend": blend,
        "n": n,
        "min_score": min_score,
        "max_per_artist": max_per_artist,
        "max_per_album": max_per_album,
        "diversity": diversity,
        "tag": tag,
        "not_tag": not_tag,
        "exclude": exclude,
        "exclude_artist": exclude_artist,
        "source": source,
        "min_duration": min_duration,
        "max_duration": max_duration,
        "format": form,
        "paths": recommendation.absolute_folder(paths),
        "path_prefix_from": path_prefix_from,
        "path_prefix_to": path_prefix_to,
    }
    parameters = {
        name: value if isinstance(value, list) else str(value)
        for name, value in options.items()
        if value is not None and value != []
    }
    try:
        api = ApiClient(find_default(data).api_url, os.environ.get(KEY_VARIABLE) or None)
        seeds = [resolve(api, text) for text in tracks or ()]
        unlike = [resolve(api, text) for text in not_like or ()]
        _check_files(seeds, unlike)
        echo(*(note for named in (*seeds, *unlike) for note in named.notes), err=True)
        if unlike:
            parameters["not_like"] = [named.track for named in unlike if named.track]
        file = seeds[0].file if seeds else None
        request = recommendation.RecommendationRequest(
            [named.track for named in seeds if named.track],
            recommendation.playlist_of(playlist),
            None if file is None else _clip_of(file),
            parameters,
        )
        if form is None:
            echo(*recommendation.render(recommendation.recommend(api, request), file.name if file else None))
        else:
            echo_document(recommendation.recommend_as_text(api, request).removesuffix("\n") + "\n")
    except LocalPlatformError as error:
        fail(error)


def _clip_of(file: Path) -> bytes:
    from soundalike.local.recording_file import clip_of

    return clip_of(file)


def _check_files(seeds: Sequence[NamedTrack], unlike: Sequence[NamedTrack]) -> None:
    """Refuse files that are not in the catalogue in a place where only its tracks are compared."""
    if len(seeds) > 1 and (files := [named.file for named in seeds if named.file]):
        raise UnusableFile(f"{files[0]} is not in the catalogue, so it can only be the one example. Crawl it first.")
    if files := [named.file for named in unlike if named.file]:
        raise UnusableFile(f"{files[0]} is not in the catalogue: crawl it before you use it with --not-like.")
