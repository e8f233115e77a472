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

from soundalike.crawler.music_words import COMPOSERS, OTHER_PLACES, SHORTENING, VERSION_WORDS
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.title_notes import VersionClass
from soundalike.domain.titles import fold, fold_artists, read_title, same_artists

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soundalike.db.tracks import Track
    from soundalike.domain.titles import Title

ISRC_SECONDS: Final = 5.0
"""Services measure the same master differently: 251.667 s and 250 s have been seen."""

SEARCH_SECONDS: Final = 3.0
LIKE_ENOUGH: Final = 0.9
_MUCH_LONGER_SECONDS: Final = 20.0
_HARDLY_ALIKE: Final = 0.5
_NOTES_ALIKE: Final = 90.0

# The same length as the original, and the same code now and then: only the title tells them apart.
_WITHOUT_PARTS: Final = frozenset({VersionClass.INSTRUMENTAL, VersionClass.KARAOKE, VersionClass.A_CAPPELLA})

_NOBODY: Final = frozenset({"various artists", "various", "unknown artist", "unknown"})
_IDLE_WORDS: Final = frozenset({"a", "an", "and", "the"})
_NUMBER: Final = re.compile(r"\d+|[ivx]+|\w")
_KEYS: Final = frozenset({"major", "minor", "sharp", "flat", "dur", "moll"})
_BRACKETED: Final = re.compile(r"^(?P<outside>[^(\[]+?)\s*[(\[](?P<inside>[^()\[\]]+)[)\]]\s*$")
_BEHIND_DASH: Final = re.compile(r"^(?P<outside>.+?)\s+[-\u2013\u2014/]\s+(?P<inside>.+)$")
_BETWEEN_NAMES: Final = re.compile(
    r"\s*[,;&/+]\s*|\s+(?:and|x|y|und|et|vs\.?|with|feat\.?|ft\.?|featuring)\s+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Recording:
    """What is known of a recording on one side of a comparison; the length in seconds."""

    title: str
    artists: tuple[str, ...]
    seconds: float | None = None
    isrc: str | None = None
    album: str | None = None

    @classmethod
    def of(cls, track: Track) -> Recording:
        """Return what a comparison needs of a track."""
        seconds = None if track.duration_ms is None else track.duration_ms / 1000
        return cls(track.title, track.artists, seconds, track.isrc, track.album)


def by_isrc(wanted: Recording, offered: Recording) -> float | None:
    """Return how sure (0..1) it is that both are one recording, given that both have an ISRC; None: they are not.

    Codes are given twice and typed wrongly, so equal codes need lengths or titles that agree.
    """
    code = normalised_isrc(wanted.isrc)
    if code is None or code != normalised_isrc(offered.isrc):
        return None
    one, other = read_title(wanted.title), read_title(offered.title)
    if (one.versions & _WITHOUT_PARTS) != (other.versions & _WITHOUT_PARTS):
        return None
    apart = _apart(wanted, offered)
    likeness = _likeness(wanted, offered, ignoring=frozenset())
    if apart is not None and apart <= ISRC_SECONDS:
        related = likeness or _shares_artist(wanted, offered) or not _comparable(one.core, other.core)
        return 1.0 if related or fuzz.ratio(one.core, other.core) / 100 >= _HARDLY_ALIKE else None
    if likeness is not None and (apart is None or apart <= _MUCH_LONGER_SECONDS):
        return 0.95
    return None


def by_name(wanted: Recording, offered: Recording) -> float | None:
    """Return how sure (0..1) it is that both are one recording, going by artists, title and length; None: they are not.

    Where a length is unknown, nothing else may differ.
    """
    if not _shares_artist(wanted, offered) or not _performers_agree(wanted, offered):
        return None
    apart = _apart(wanted, offered)
    if apart is None:
        exact = _likeness(wanted, offered, ignoring=frozenset()) == 1.0
        return 0.8 if exact and _credits_agree(wanted, offered) else None
    if apart > SEARCH_SECONDS:
        return None
    likeness = _likeness(wanted, offered, ignoring=frozenset({VersionClass.EDIT}))
    return None if likeness is None else round(likeness * (1 - 0.02 * apart), 3)


def _apart(wanted: Recording, offered: Recording) -> float | None:
    if wanted.seconds is None or offered.seconds is None:
        return None
    return abs(wanted.seconds - offered.seconds)


def _likeness(wanted: Recording, offered: Recording, *, ignoring: frozenset[VersionClass]) -> float | None:
    """Return how like the titles are if they name the same song in the same version."""
    found = [
        likeness
        for mine, weight in _readings(wanted.title)
        for theirs, other_weight in _readings(offered.title)
        if (likeness := _titles_alike(mine, theirs, ignoring)) is not None
        and (likeness := likeness * weight * other_weight)
    ]
    return max(found, default=None)


def _readings(title: str) -> Iterator[tuple[Title, float]]:
    """Yield what a title may be read as: whole, in either of its scripts, or without what stands in brackets."""
    whole = read_title(title)
    yield whole, 1.0
    for form in (_BRACKETED, _BEHIND_DASH):
        parts = form.fullmatch(title.strip())
        if parts is None:
            continue
        outside, inside = read_title(parts["outside"]), read_title(parts["inside"])
        if whole.core != f"{outside.core} {inside.core}":
            continue
        if not _comparable(outside.core, inside.core):
            yield outside, 0.99
            yield inside, 0.98
        elif form is _BRACKETED and _may_be_left_out(inside.core):
            yield outside, 0.92


def _may_be_left_out(words: str) -> bool:
    return len(words.split()) > 1 and not OTHER_PLACES & set(words.split()) and not _marks(words)


def _titles_alike(one: Title, other: Title, ignoring: frozenset[VersionClass]) -> float | None:
    if one.versions != other.versions and not _only_shortened(one, other, ignoring):
        return None
    likeness = _words_alike(one.core, other.core)
    if likeness is None or not _notes_agree(one, other):
        return None
    return likeness


def _only_shortened(one: Title, other: Title, ignoring: frozenset[VersionClass]) -> bool:
    """Tell whether what makes the versions differ is ignored, such as a radio edit that is as long as the original."""
    return one.versions ^ other.versions <= ignoring and _note_words(one) ^ _note_words(other) <= SHORTENING


def _words_alike(one: str, other: str) -> float | None:
    if one.replace(" ", "") == other.replace(" ", ""):
        return 1.0
    likeness = fuzz.ratio(one, other) / 100
    if likeness < LIKE_ENOUGH or _marks(one) != _marks(other):
        return None
    mine, theirs = Counter(one.split()), Counter(other.split())
    left, right = sorted((mine - theirs).elements()), sorted((theirs - mine).elements())
    left, right = ([word for word in words if word not in _IDLE_WORDS] for words in (left, right))
    # Who mistypes a word seldom mistypes its first letter; "park" for "dark" is another song.
    if len(left) != len(right) or any(a[0] != b[0] for a, b in zip(left, right, strict=True)):
        return None
    return likeness


def _marks(words: str) -> Counter[str]:
    """Return the small words that tell parts of one work apart: numbers, single letters, keys."""
    return Counter(w for w in words.split() if (_NUMBER.fullmatch(w) and w not in _IDLE_WORDS) or w in _KEYS)


def _notes_agree(one: Title, other: Title) -> bool:
    """Tell whether the notes may name the same version: "Live" and "Live at the Palladium", but not two remixers."""
    mine, theirs = _note_words(one), _note_words(other)
    if mine <= theirs or theirs <= mine:
        return True
    return fuzz.token_set_ratio(" ".join(sorted(mine)), " ".join(sorted(theirs))) >= _NOTES_ALIKE


def _note_words(title: Title) -> set[str]:
    return set((Counter(title.folded.split()) - Counter(title.core.split())).elements()) - VERSION_WORDS


def _comparable(one: str, other: str) -> bool:
    """Tell whether two texts are written in a common script."""
    return bool(_scripts(one) & _scripts(other)) or not (_scripts(one) and _scripts(other))


def _scripts(text: str) -> set[str]:
    return {unicodedata.name(letter, "?").partition(" ")[0] for letter in text if letter.isalpha()}


def _shares_artist(wanted: Recording, offered: Recording) -> bool:
    if _names(wanted) & _names(offered):
        return True
    return same_artists(_people(wanted), _people(offered))


def _credits_agree(wanted: Recording, offered: Recording) -> bool:
    """Tell whether one side names nobody whom the other does not name."""
    mine, theirs = (_names(one) - _joint(one) for one in (wanted, offered))
    return bool(mine and theirs) and (mine <= theirs or theirs <= mine)


def _people(recording: Recording) -> frozenset[str]:
    return fold_artists(recording.artists) - _NOBODY


def _names(recording: Recording) -> set[str]:
    """Return the folded names of everybody who is credited; one that may be several also in parts."""
    parts = {part for name in recording.artists for part in _BETWEEN_NAMES.split(name)}
    return set(_people(recording) | (fold_artists(parts) - _NOBODY) | read_title(recording.title).guests)


def _joint(recording: Recording) -> set[str]:
    return {name for name in _people(recording) if " and " in name}


def _performers_agree(wanted: Recording, offered: Recording) -> bool:
    """Tell whether more than a composer is shared: a performer, or the album."""
    if wanted.album and offered.album and fuzz.ratio(fold(wanted.album), fold(offered.album)) / 100 >= LIKE_ENOUGH:
        return True
    shared = _names(wanted) & _names(offered)
    return not shared or any(name.split()[-1] not in COMPOSERS for name in shared)
