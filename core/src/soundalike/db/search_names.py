"""Names of tracks as they are searched: folded, cut into words, and kept in step with the tracks they belong to."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.domain.text import clean
from soundalike.domain.titles import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import asyncpg

    from soundalike.db.database import Pool

MAX_WORD_LENGTH: Final = 64
_LONGEST_NAME: Final = 250
_LONGEST_GUESSED: Final = 32
_SHORTEST_GUESSED: Final = 4
_BATCH: Final = 2000

# Scripts that put no space between words: Thai, Lao, Burmese, Khmer, kana, and the characters of China and Japan.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)

_STALE = """
SELECT n.urn, t.title, t.artists, t.album, names_digest(t.title, t.artists, t.album) AS folded_from
FROM track_names n JOIN tracks t USING (urn) WHERE n.words IS NULL AND n.urn > $1 ORDER BY n.urn LIMIT $2
"""

# In the order of the words everywhere, so that no two writers wait for each other.
_LEARN = "INSERT INTO search_words (word) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"

# Only where nobody has been faster, and the track is still called what was folded. No word has a space in it.
_FILL = """
UPDATE track_names n SET folded_from = given.folded_from, title = given.title, credit = given.credit,
    album = given.album, words = array_to_tsvector(string_to_array(given.words, ' '))
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS given (urn, folded_from, title, credit, album, words) JOIN tracks t USING (urn)
WHERE n.urn = given.urn AND n.words IS NULL
    AND names_digest(t.title, t.artists, t.album) = given.folded_from
"""


@dataclass(frozen=True, slots=True)
class SearchNames:
    """What a track is found by: `credit` is the artists and the title; `words` are those of artists, title and album.

    `spelling_candidates` are the words that a misspelt one may have meant.
    """

    title: str
    credit: str
    album: str
    tokens: list[str]
    spelling_candidates: list[str]

    @classmethod
    def of(cls, title: str, artists: Iterable[str], album: str | None) -> SearchNames:
        """Fold what a track is called; empty parts stay empty."""
        folded = _folded(title)
        by = " ".join(filter(None, map(_folded, artists)))
        credit, on = f"{by} {folded}".strip(), _folded(album or "")
        words = sorted({cut for word in f"{credit} {on}".split() for cut in tokens_of(word)})
        return cls(
            title=folded[:_LONGEST_NAME],
            credit=credit[:_LONGEST_NAME],
            album=on[:_LONGEST_NAME],
            tokens=words,
            spelling_candidates=[word for word in words if _is_guessable(word)],
        )


def tokens_of(word: str) -> list[str]:
    """Return what one folded word is found by: itself, and in a script without spaces every two characters of it."""
    word = word[:MAX_WORD_LENGTH]
    return [word, *bigrams(word)] if is_unspaced(word) else [word]


def bigrams(word: str) -> list[str]:
    """Return every two characters that follow each other."""
    return [word[place : place + 2] for place in range(len(word) - 1)]


def is_unspaced(word: str) -> bool:
    """Tell whether a word may be several, written in a script that does not separate them."""
    return bool(_UNSPACED.search(word))


async def refresh(pool: Pool) -> int:
    """Fold the names of all tracks whose names are not folded yet, or have changed since; return how many."""
    filled, last = 0, ""
    # Onward, and not from the start again: there lie the entries of those that are filled.
    while stale := await pool.fetch(_STALE, last, _BATCH):
        folded = await asyncio.to_thread(_fold_all, stale)
        await pool.execute(_LEARN, sorted({word for names in folded for word in names.spelling_candidates}))
        await pool.execute(
            _FILL,
            [row["urn"] for row in stale],
            [row["folded_from"] for row in stale],
            [each.title for each in folded],
            [each.credit for each in folded],
            [each.album for each in folded],
            [" ".join(each.tokens) for each in folded],
        )
        filled, last = filled + len(stale), stale[-1]["urn"]
    return filled


def _fold_all(rows: Sequence[asyncpg.Record]) -> list[SearchNames]:
    return [SearchNames.of(row["title"], row["artists"], row["album"]) for row in rows]


def _folded(name: str) -> str:
    return fold(clean(name))


def _is_guessable(word: str) -> bool:
    return _SHORTEST_GUESSED <= len(word) <= _LONGEST_GUESSED and not is_unspaced(word)
