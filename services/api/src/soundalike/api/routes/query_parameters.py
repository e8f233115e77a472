"""The parameters of every recommendation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import AfterValidator, WithJsonSchema

from soundalike.api import problems
from soundalike.api.recommendation_query import By, RecommendationQuery, TrackFilter
from soundalike.db.models import EmbeddingModel
from soundalike.domain.service_urls import MAX_TEXT_LENGTH
from soundalike.domain.tags import TAG_SLUGS
from soundalike.domain.tags import parse_tag as known_tag
from soundalike.domain.titles import fold_artists
from soundalike.domain.track_id import ACCEPTED_FORMS, TrackId

MAX_RESULTS: Final = 100
MAX_COUNTEREXAMPLES: Final = 20
MAX_EXCLUDED: Final = 200
MAX_NAME_LENGTH: Final = 200
MAX_DURATION_S: Final = 86_400

REPEATABLE: Final = ("not_like", "tag", "not_tag", "exclude", "exclude_artist", "source")
"""The parameters that may be given more than once."""

SINGLE: Final = (
    "n",
    "min_score",
    "max_per_artist",
    "max_per_album",
    "diversity",
    "min_duration",
    "max_duration",
    "format",
    "paths",
    "path_prefix_from",
    "path_prefix_to",
)

SIGNAL_NAMES: Final = ("by", "blend")
"""The parameters that choose the signals by which tracks are compared."""

Source = Literal["spotify", "deezer", "soundcloud", "file"]
Tag = Annotated[str, AfterValidator(known_tag), WithJsonSchema({"type": "string", "enum": list(TAG_SLUGS)})]
TrackText = Annotated[str, Query(max_length=MAX_TEXT_LENGTH)]
Name = Annotated[str, Query(min_length=1, max_length=MAX_NAME_LENGTH)]
Seconds = Annotated[float | None, Query(ge=0, le=MAX_DURATION_S)]


@dataclass(frozen=True, slots=True)
class SignalParameters:
    """The signals by which tracks are compared, None if not given, and the weight of taste beside the sound."""

    by: By | None
    blend: float


@dataclass(frozen=True, slots=True)
class QueryParameters:
    """The parameters of a request, each checked by itself; `exclude` and `not_like` hold the texts as pasted."""

    n: int
    min_score: float
    max_per_artist: int
    max_per_album: int
    diversity: float
    tag: Sequence[str]
    not_tag: Sequence[str]
    not_like: Sequence[str]
    exclude: Sequence[str]
    exclude_artist: Sequence[str]
    source: Sequence[str]
    min_duration: float | None
    max_duration: float | None

    def to_query(
        self, model: EmbeddingModel, excluded: Sequence[TrackId], signals: SignalParameters | None = None
    ) -> RecommendationQuery:
        """Check them together; `excluded` are the tracks that `exclude` names. Raises `Problem`."""
        self._check(model)
        signals = signals or SignalParameters(By.SOUND, 0.0)
        return RecommendationQuery(
            n=self.n,
            min_score=self.min_score,
            max_per_artist=self.max_per_artist,
            max_per_album=self.max_per_album,
            diversity=self.diversity,
            by=signals.by or By.SOUND,
            blend=signals.blend,
            track_filter=TrackFilter(
                tags=tuple(dict.fromkeys(self.tag)),
                excluded_tags=tuple(dict.fromkeys(self.not_tag)),
                excluded_urns=frozenset(track.urn for track in excluded),
                excluded_artists=fold_artists(self.exclude_artist),
                sources=frozenset(self.source),
                min_duration_ms=None if self.min_duration is None else round(1000 * self.min_duration),
                max_duration_ms=None if self.max_duration is None else round(1000 * self.max_duration),
            ),
        )

    def _check(self, model: EmbeddingModel) -> None:
        if (self.tag or self.not_tag) and model.mean_tag_probabilities is None:
            raise invalid_parameter("tag" if self.tag else "not_tag", f"the model {model.model} has no tags")
        if both := sorted({*self.tag} & {*self.not_tag}):
            raise invalid_parameter("not_tag", f"{', '.join(both)}: also required by tag, so no track could match")
        if self.min_duration is not None and self.max_duration is not None and self.min_duration > self.max_duration:
            raise invalid_parameter("max_duration", "shorter than min_duration, so no track could match")


async def query_parameters(
    *,
    n: Annotated[int, Query(ge=1, le=MAX_RESULTS, description="How many tracks to return, at most")] = 10,
    min_score: Annotated[float, Query(ge=0, le=1, description="Minimum score of a result")] = 0.0,
    max_per_artist: Annotated[
        int,
        Query(
            ge=1,
            le=MAX_RESULTS,
            description="How many results may be by the same artist; a track counts for each of its artists, guests "
            "included, and one without an artist is not limited",
        ),
    ] = 2,
    max_per_album: Annotated[
        int,
        Query(
            ge=1,
            le=MAX_RESULTS,
            description="How many results may be from the same album of the same artist; a track without an album is "
            "not limited. Raise it to get more results from a catalogue with few albums",
        ),
    ] = 1,
    diversity: Annotated[
        float,
        Query(
            ge=0,
            le=1,
            description="How much the results differ from each other: 0 takes the nearest, 1 the most different among "
            "the nearest ten times as many (maximal marginal relevance). They are sorted by score in any case",
        ),
    ] = 0.0,
    tag: Annotated[
        list[Tag], Query(max_length=len(TAG_SLUGS), description="A tag that every result has; may be repeated")
    ] = [],  # noqa: B006 - never changed
    not_tag: Annotated[
        list[Tag], Query(max_length=len(TAG_SLUGS), description="A tag that no result has; may be repeated")
    ] = [],  # noqa: B006 - never changed
    not_like: Annotated[
        list[TrackText],
        Query(
            max_length=MAX_COUNTEREXAMPLES,
            description=f"A track that the results do not sound like: {ACCEPTED_FORMS}. Its similarity counts against "
            "a result; it is no result itself. May be repeated",
        ),
    ] = [],  # noqa: B006 - never changed
    exclude: Annotated[
        list[TrackText],
        Query(max_length=MAX_EXCLUDED, description=f"A track to leave out: {ACCEPTED_FORMS}; may be repeated"),
    ] = [],  # noqa: B006 - never changed
    exclude_artist: Annotated[
        list[Name],
        Query(
            max_length=MAX_EXCLUDED,
            description="Name of an artist to leave out, also as a guest; case, accents and a leading The do not "
            "matter; may be repeated",
            examples=[["Daft Punk"]],
        ),
    ] = [],  # noqa: B006 - never changed
    source: Annotated[
        list[Source], Query(max_length=4, description="Source of the results; may be repeated; all sources if missing")
    ] = [],  # noqa: B006 - never changed
    min_duration: Annotated[
        Seconds, Query(description="Minimum length in seconds; leaves out tracks of unknown length")
    ] = None,
    max_duration: Annotated[
        Seconds, Query(description="Maximum length in seconds; leaves out tracks of unknown length")
    ] = None,
) -> QueryParameters:
    """Read the parameters."""
    return QueryParameters(
        n=n,
        min_score=min_score,
        max_per_artist=max_per_artist,
        max_per_album=max_per_album,
        diversity=diversity,
        tag=tag,
        not_tag=not_tag,
        not_like=not_like,
        exclude=exclude,
        exclude_artist=exclude_artist,
        source=source,
        min_duration=min_duration,
        max_duration=max_duration,
    )


async def signal_parameters(
    by: Annotated[
        By | None,
        Query(
            description="What makes tracks similar: their sound, the taste of the people who favourite them, or both. "
            "The default is sound, for a user taste. With `both` a track without data in one signal is compared by "
            "the other; each result says which it was found by"
        ),
    ] = None,
    blend: Annotated[
        float, Query(ge=0, le=1, description="Weight of taste with `by=both`: 0 is sound alone, 1 taste alone")
    ] = 0.5,
) -> SignalParameters:
    """Read the signals to compare by."""
    return SignalParameters(by, blend)


def invalid_parameter(parameter: str, message: str) -> problems.Problem:
    """Return the problem of one parameter."""
    return problems.invalid_request([{"parameter": parameter, "message": message}])
