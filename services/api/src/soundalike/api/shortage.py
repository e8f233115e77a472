"""Why an answer has fewer results than were requested, in a sentence."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Cause(Enum):
    """What leaves a candidate out of the results, as it continues "3 were left out …"."""

    MIN_SCORE = "by min_score"
    ARTIST_LIMIT = "by the limit per artist"
    ALBUM_LIMIT = "by the limit per album"
    REPETITION = "as the same recording as another one"
    TAG = "by tag"
    NOT_TAG = "by not_tag"
    MIN_DURATION = "by min_duration"
    MAX_DURATION = "by max_duration"
    SOURCE = "by source"
    EXCLUDED_ARTIST = "by exclude_artist"
    EXCLUDED_TRACK = "because they are excluded or part of the request"
    CUT_SHORT = "as copies that are cut short"
    STATE = "because they are not ready"


def shortage(results: int, left_out: Mapping[Cause, int], *, compared: int | None) -> str:
    """Return the sentence for so many results; `compared` is the number of candidates where there are more tracks.

    `left_out` counts candidates by the first cause that applies to each.
    """
    causes = sorted((item for item in left_out.items() if item[1]), key=lambda item: -item[1])
    number = f"Only {results:,}" if results else "No"
    noun = "track" if results < 2 else "tracks"
    if not causes:
        other = "the nearest " if compared is not None else "other "
        return f"{number} {other}{noun} can be compared."
    passing = f"{number} {noun} {'passes' if results < 2 else 'pass'}"
    if compared is not None:
        passing += f" of the {compared:,} most similar ones that were compared"
    (first, count), *others = causes
    reasons = [f"{count:,} {'was' if count == 1 else 'were'} left out {first.value}"]
    return f"{passing}: {', '.join([*reasons, *(f'{count:,} {cause.value}' for cause, count in others)])}."
