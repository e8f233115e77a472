"""The command `soundalike recommend`."""

from __future__ import annotations

from typing import Annotated

import typer

from soundalike.local import recommendation
from soundalike.local.command_line import Data, fail
from soundalike.local.errors import LocalPlatformError
from soundalike.local.running_platform import find_default
from soundalike.terminal import echo, echo_document


def recommend(
    tracks: Annotated[
        list[str] | None, typer.Argument(metavar="TRACK…", help="Links, URIs or ids of one or more tracks.")
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
    """Show tracks that sound like the given ones (or that the same people like), or that fit a playlist or a user."""
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
    request = recommendation.RecommendationRequest(tracks or (), recommendation.playlist_of(playlist), parameters)
    try:
        url = find_default(data).api_url
        if form is None:
            echo(*recommendation.render(recommendation.recommend(url, request)))
        else:
            echo_document(recommendation.recommend_as_text(url, request).removesuffix("\n") + "\n")
    except LocalPlatformError as error:
        fail(error)
