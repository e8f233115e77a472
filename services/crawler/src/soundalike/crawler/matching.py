"""Telling whether what a service offers is the recording that is wanted.

A false match puts another song's sound under a track's name and nobody notices; a miss only costs a track. So every
rule leans towards the miss. The figures were tuned on one half of a labelled set and are judged on the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rapidfuzz import fuzz

from soundalike.crawler.music_words import COMPOSERS, SECTION_WORDS, SHORTENING_WORDS, VERSION_WORDS
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.title_notes import DASHES, SPACES, VersionClass
from soundalike.domain.titles import fold, fold_artists, read_title, same_artists

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soundalike.db.tracks import Track
    from soundalike.domain.titles import Title

ISRC_TOLERANCE_S: Final = 5.0
"""Services measure the same master differently: 251.667 s and 250 s have been seen."""

SEARCH_TOLERANCE_S: Final = 3.0
MIN_SIMILARITY: Final = 0.9
_MAX_DIFFERENCE_S: Final = 20.0
_MIN_RELATED_SIMILARITY: Final = 0.5
_MIN_NOTE_SIMILARITY: Final = 90.0

# The same length as the original, and the same code now and then: only the title tells them apart.
_REDUCED_VERSIONS: Final = frozenset({VersionClass.INSTRUMENTAL, VersionClass.KARAOKE, VersionClass.A_CAPPELLA})

_PLACEHOLDER_ARTISTS: Final = frozenset({"various artists", "various", "unknown artist", "unknown"})
_STOP_WORDS: Final = frozenset({"a", "an", "and", "the"})
_NUMBER: Final = re.compile(r"\d+|[ivx]+|\w")
_KEYS: Final = frozenset({"major", "minor", "sharp", "flat", "dur", "moll"})
_BRACKETED: Final = re.compile(r"^(?P<outside>[^(\[]+)[(\[](?P<inside>[^()\[\]]+)[)\]]$")
_AFTER_DASH: Final = re.compile(rf"^(?P<outside>.+?){SPACES}[{DASHES}/]\s++(?P<inside>.+)$", re.DOTALL)
_NAME_SEPARATOR: Final = re.compile(
    rf"{SPACES}?[,;&/+]\s*|{SPACES}(?:and|x|y|und|et|vs\.?|with|feat\.?|ft\.?|featuring)\s+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a recording on one side of a comparison; the length in seconds."""

    title: str
    artists: tuple[str, ...]
    seconds: float | None = None
    isrc: str | None = None
    album: str | None = None

    @classmethod
    def of(cls, track: Track) -> Candidate:
        """Return what a comparison needs of a track."""
        seconds = None if track.duration_ms is None else track.duration_ms / 1000
        return cls(track.title, track.artists, seconds, track.isrc, track.album)


def score_by_isrc(target: Candidate, candidate: Candidate) -> float | None:
    """Return how sure (0..1) it is that both are one recording, given that both have an ISRC; None: they are not.

    Codes are given twice and typed wrongly, so equal codes need lengths or titles that agree.
    """
    code = normalised_isrc(target.isrc)
    if code is None or code != normalised_isrc(candidate.isrc):
        return None
    one, other = read_title(target.title), read_title(candidate.title)
    if (one.versions & _REDUCED_VERSIONS) != (other.versions & _REDUCED_VERSIONS):
        return None
    apart = _length_difference_s(target, candidate)
    likeness = _similarity(target, candidate, ignoring=frozenset())
    if apart is not None and apart <= ISRC_TOLERANCE_S:
        related = likeness or _share_artist(target, candidate) or not _share_script(one.core, other.core)
        return 1.0 if related or fuzz.ratio(one.core, other.core) / 100 >= _MIN_RELATED_SIMILARITY else None
    if likeness is not None and (apart is None or apart <= _MAX_DIFFERENCE_S):
        return 0.95
    return None


def score_by_name(target: Candidate, candidate: Candidate) -> float | None:
    """Return how sure (0..1) it is that both are one recording, going by artists, title and length; None: they are not.

    Where a length is unknown, nothing else may differ.
    """
    if not _share_artist(target, candidate) or not _performers_agree(target, candidate):
        return None
    apart = _length_difference_s(target, candidate)
    if apart is None:
        exact = _similarity(target, candidate, ignoring=frozenset()) == 1.0
        return 0.8 if exact and _credits_agree(target, candidate) else None
    if apart > SEARCH_TOLERANCE_S:
        return None
    likeness = _similarity(target, candidate, ignoring=frozenset({VersionClass.EDIT}))
    return None if likeness is None else round(likeness * (1 - 0.02 * apart), 3)


def _length_difference_s(target: Candidate, candidate: Candidate) -> float | None:
    if target.seconds is None or candidate.seconds is None:
        return None
    return abs(target.seconds - candidate.seconds)


def _similarity(target: Candidate, candidate: Candidate, *, ignoring: frozenset[VersionClass]) -> float | None:
    """Return how like the titles are if they name the same song in the same version."""
    scores = [
        likeness
        for mine, weight in _variants(target.title)
        for theirs, other_weight in _variants(candidate.title)
        if (likeness := _title_similarity(mine, theirs, ignoring)) is not None
        and (likeness := likeness * weight * other_weight)
    ]
    return max(scores, default=None)


def _variants(title: str) -> Iterator[tuple[Title, float]]:
    """Yield what a title may be read as: whole, in either of its scripts, or without what stands in brackets."""
    whole = read_title(title)
    yield whole, 1.0
    for form in (_BRACKETED, _AFTER_DASH):
        parts = form.fullmatch(" ".join(title.split()))
        if parts is None:
            continue
        outside, inside = read_title(parts["outside"]), read_title(parts["inside"])
        if whole.core != f"{outside.core} {inside.core}":
            continue
        if not _share_script(outside.core, inside.core):
            yield outside, 0.99
            yield inside, 0.98
        elif form is _BRACKETED and _is_subtitle(inside.core):
            yield outside, 0.92


def _is_subtitle(words: str) -> bool:
    return len(words.split()) > 1 and not SECTION_WORDS & set(words.split()) and not _part_markers(words)


def _title_similarity(one: Title, other: Title, ignoring: frozenset[VersionClass]) -> float | None:
    if one.versions != other.versions and not _differ_by_shortening(one, other, ignoring):
        return None
    likeness = _word_similarity(one.core, other.core)
    if likeness is None or not _notes_agree(one, other):
        return None
    return likeness


def _differ_by_shortening(one: Title, other: Title, ignoring: frozenset[VersionClass]) -> bool:
    """Tell whether what makes the versions differ is ignored, such as a radio edit that is as long as the original."""
    return one.versions ^ other.versions <= ignoring and _note_words(one) ^ _note_words(other) <= SHORTENING_WORDS


def _word_similarity(one: str, other: str) -> float | None:
    if one.replace(" ", "") == other.replace(" ", ""):
        return 1.0
    likeness = fuzz.ratio(one, other) / 100
    if likeness < MIN_SIMILARITY or _part_markers(one) != _part_markers(other):
        return None
    mine, theirs = Counter(one.split()), Counter(other.split())
    left, right = sorted((mine - theirs).elements()), sorted((theirs - mine).elements())
    left, right = ([word for word in words if word not in _STOP_WORDS] for words in (left, right))
    # Who mistypes a word seldom mistypes its first letter; "park" for "dark" is another song.
    if len(left) != len(right) or any(a[0] != b[0] for a, b in zip(left, right, strict=True)):
        return None
    return likeness


def _part_markers(words: str) -> Counter[str]:
    """Return the small words that tell parts of one work apart: numbers, single letters, keys."""
    return Counter(w for w in words.split() if (_NUMBER.fullmatch(w) and w not in _STOP_WORDS) or w in _KEYS)


def _notes_agree(one: Title, other: Title) -> bool:
    """Tell whether the notes may name the same version: "Live" and "Live at the Palladium", but not two remixers."""
    mine, theirs = _note_words(one), _note_words(other)
    if mine <= theirs or theirs <= mine:
        return True
    return fuzz.token_set_ratio(" ".join(sorted(mine)), " ".join(sorted(theirs))) >= _MIN_NOTE_SIMILARITY


def _note_words(title: Title) -> set[str]:
    return set((Counter(title.folded.split()) - Counter(title.core.split())).elements()) - VERSION_WORDS


def _share_script(one: str, other: str) -> bool:
    """Tell whether two texts are written in a common script."""
    return bool(_scripts(one) & _scripts(other)) or not (_scripts(one) and _scripts(other))


def _scripts(text: str) -> set[str]:
    return {unicodedata.name(letter, "?").partition(" ")[0] for letter in text if letter.isalpha()}


def _share_artist(target: Candidate, candidate: Candidate) -> bool:
    if _credited_names(target) & _credited_names(candidate):
        return True
    return same_artists(_artist_keys(target), _artist_keys(candidate))


def _credits_agree(target: Candidate, candidate: Candidate) -> bool:
    """Tell whether one side names nobody whom the other does not name."""
    mine, theirs = (_credited_names(one) - _joint_names(one) for one in (target, candidate))
    return bool(mine and theirs) and (mine <= theirs or theirs <= mine)


def _artist_keys(candidate: Candidate) -> frozenset[str]:
    return fold_artists(candidate.artists) - _PLACEHOLDER_ARTISTS


def _credited_names(candidate: Candidate) -> set[str]:
    """Return the folded names of everybody who is credited; one that may be several also in parts."""
    parts = {part for name in candidate.artists for part in _NAME_SEPARATOR.split(name)}
    return set(
        _artist_keys(candidate) | (fold_artists(parts) - _PLACEHOLDER_ARTISTS) | read_title(candidate.title).guests
    )


def _joint_names(candidate: Candidate) -> set[str]:
    return {name for name in _artist_keys(candidate) if " and " in name}


def _performers_agree(target: Candidate, candidate: Candidate) -> bool:
    """Tell whether more than a composer is shared: a performer, or the album."""
    if (
        target.album
        and candidate.album
        and fuzz.ratio(fold(target.album), fold(candidate.album)) / 100 >= MIN_SIMILARITY
    ):
        return True
    shared = _credited_names(target) & _credited_names(candidate)
    return not shared or any(name.split()[-1] not in COMPOSERS for name in shared)
