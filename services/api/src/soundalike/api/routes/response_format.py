"""The format of a recommendation, and how it names one's own files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import Depends, Header, Query, Request, Response

from soundalike.api.path_format import ACCEPTED_FORMS, PathForm, PathFormat, PlaylistPath
from soundalike.api.platform_connection import PlatformConnection
from soundalike.api.playlist_formats import MEDIA_TYPES, NO_PATHS, Format, negotiate, write
from soundalike.api.routes.dependencies import sees_paths
from soundalike.api.routes.query_parameters import invalid_parameter
from soundalike.api.schemas.recommendation import Recommendation
from soundalike.db import locations
from soundalike.domain.file_paths import PathPrefix

MAX_PATH_LENGTH: Final = 4_200
"""The longest path of Linux, and the word before it."""


async def response_format(
    chosen: Annotated[
        Format | None,
        Query(
            alias="format",
            description="json, a playlist for players (m3u, jspf) or a table (csv); if missing, the Accept header "
            "decides, else json",
        ),
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Format:
    """Choose the format of the response."""
    return chosen or negotiate(accept)


async def path_format(
    paths: Annotated[
        str,
        Query(
            max_length=MAX_PATH_LENGTH,
            description=f"How m3u, jspf and csv name your own files: {ACCEPTED_FORMS}. Local callers and those with a "
            "key get paths, all others the URN",
            examples=["absolute", "relative=/srv/me/Playlists"],
        ),
    ] = PathForm.ABSOLUTE.value,
    path_prefix_from: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=MAX_PATH_LENGTH,
            description="For the paths of another machine: the folder that `path_prefix_to` takes the place of",
            examples=["/srv/me/Music"],
        ),
    ] = None,
    path_prefix_to: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=MAX_PATH_LENGTH,
            description="The same folder as the other machine names it",
            examples=["D:\\Music"],
        ),
    ] = None,
) -> PathFormat:
    """Read how paths are written."""
    if (path_prefix_from is None) != (path_prefix_to is None):
        missing = "path_prefix_from" if path_prefix_from is None else "path_prefix_to"
        raise invalid_parameter(missing, "path_prefix_from and path_prefix_to are given together")
    try:
        return PathFormat.parse(paths, PathPrefix(path_prefix_from, path_prefix_to or "") if path_prefix_from else None)
    except ValueError as error:
        raise invalid_parameter("paths", str(error)) from error


@dataclass(frozen=True, slots=True)
class ResponseWriter:
    """The format of a response, and how it names files: None where the caller may not see paths."""

    output_format: Format
    paths: PathFormat | None

    async def respond(self, platform: PlatformConnection, recommendation: Recommendation) -> Response:
        """Return the recommendation; every response varies with the Accept header and the key."""
        form = self.output_format
        body = (
            recommendation.model_dump_json()
            if form is Format.JSON
            else write(form, recommendation, await self._paths(platform, recommendation))
        )
        headers = {"Vary": "Accept" if form is Format.JSON else "Accept, Authorization"}
        if form is not Format.JSON:
            # The 8 tells players that names are in UTF-8.
            ending = "m3u8" if form is Format.M3U else form.value
            headers["Content-Disposition"] = f'attachment; filename="soundalike.{ending}"'
        return Response(body, headers=headers, media_type=MEDIA_TYPES[form])

    async def _paths(self, platform: PlatformConnection, recommendation: Recommendation) -> Mapping[str, PlaylistPath]:
        files = [result.urn for result in recommendation.results if result.source == "file"]
        if self.paths is None or not files:
            return NO_PATHS
        async with platform.database() as db:
            places = await locations.of_tracks(db, files)
        return {
            urn: replace(self.paths.write(first.absolute_path), segment=locations.segment_times(first.segment))
            for urn, (first, *_) in places.items()
        }


async def response_writer(
    request: Request,
    output_format: Annotated[Format, Depends(response_format)],
    paths: Annotated[PathFormat, Depends(path_format)],
) -> ResponseWriter:
    """Choose format and paths of the response."""
    is_shown = paths.form is not PathForm.NONE and output_format is not Format.JSON and sees_paths(request)
    return ResponseWriter(output_format, paths if is_shown else None)
