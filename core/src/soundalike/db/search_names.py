"""The names by which tracks are searched: folded, split into tokens, and kept up to date with their tracks."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from soundalike.domain.spellings import spellings
from soundalike.domain.text import clean
from soundalike.domain.titles import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from soundalike.db.database import Executor, Pool

MAX_WORD_LENGTH: Final = 64
_MAX_NAME_LENGTH: Final = 250
_MAX_CANDIDATE_LENGTH: Final = 32
_MIN_CANDIDATE_LENGTH: Final = 4
_BATCH: Final = 2000

# Scripts that put no space between words: Thai, Lao, Burmese, Khmer, kana, and the characters of China and Japan.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)

FOLDING_VERSION: Final = 1
"""The rule by which names are folded and spelled; rows of an earlier one are folded again."""

STALE: Final = f"(words IS NULL OR folding < {FOLDING_VERSION})"
"""The condition of rows that are to be folded, which is that of an index as well."""

_STALE = f"""
SELECT n.urn, t.title, t.artists, t.album, names_digest(t.title, t.artists, t.album) AS folded_from, (
    SELECT jsonb_agg(DISTINCT l.names)::text FROM locations l
    WHERE l.urn = n.urn AND l.gone_at IS NULL AND l.names IS NOT NULL
) AS names_of_copies
FROM track_names n JOIN tracks t USING (urn) WHERE {STALE} AND n.urn > $1 ORDER BY n.urn LIMIT $2
"""  # noqa: S608 - constants

# Everywhere in the order of the words, so that no two writers deadlock.
_ADD_WORDS = "INSERT INTO search_words (word) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"

# Only where nobody was faster and the names of the track are still those that were folded. No token has a space.
_FILL = f"""
UPDATE track_names n SET folded_from = names.folded_from, title = names.title, credit = names.credit,
    album = names.album, words = array_to_tsvector(string_to_array(names.words, ' ')), folding = {FOLDING_VERSION}
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS names (urn, folded_from, title, credit, album, words) JOIN tracks t USING (urn)
WHERE n.urn = names.urn AND (n.words IS NULL OR n.folding < {FOLDING_VERSION})
    AND names_digest(t.title, t.artists, t.album) = names.folded_from
"""  # noqa: S608 - constants


# Other tags of a copy make no other track, but it is found by them, and no more when the copy is gone.
_MARK_COPIES = """
UPDATE track_names SET folding = 0 WHERE words IS NOT NULL AND urn IN (
    SELECT urn FROM locations WHERE names IS NOT NULL GROUP BY urn HAVING count(DISTINCT names) > 1
)
"""

# The trigger of the names notes what they lose.
_DELETE_DROPPED_WORDS = "SELECT delete_dropped_words()"


@dataclass(frozen=True, slots=True)
class SearchNames:
    """The folded names of a track: `credit` is artists and title; `tokens` are those of artists, title and album.

    Other spellings (see `domain.spellings`) are among the tokens. `spelling_candidates` are the tokens that a misspelt
    word may stand for.
    """

    title: str
    credit: str
    album: str
    tokens: list[str]
    spelling_candidates: list[str]

    @classmethod
    def of(cls, title: str, artists: Sequence[str], album: str | None) -> SearchNames:
        """Fold the names of a track; empty parts stay empty."""
        folded_title, folded_album = _folded(title), _folded(album or "")
        folded_artists = " ".join(filter(None, map(_folded, artists)))
        credit = f"{folded_artists} {folded_title}".strip()
        spelled = [spellings(clean(name)) for name in (title, *artists, album or "")]
        words = set(f"{credit} {folded_album}".split()).union(*(names.words for names in spelled))
        candidates = {token for word in words for token in tokens_of(word)}
        joined = set[str]().union(*(names.joined for names in spelled))
        tokens = sorted(candidates.union(*map(tokens_of, joined)))
        return cls(
            title=folded_title[:_MAX_NAME_LENGTH],
            credit=credit[:_MAX_NAME_LENGTH],
            album=folded_album[:_MAX_NAME_LENGTH],
            tokens=tokens,
            spelling_candidates=sorted(filter(_is_candidate, candidates)),
        )


def tokens_of(word: str) -> list[str]:
    """Return the tokens of one folded word: itself, and its bigrams in a script without spaces."""
    word = word[:MAX_WORD_LENGTH]
    return [word, *bigrams(word)] if is_unspaced(word) else [word]


def bigrams(word: str) -> list[str]:
    """Return every two characters that follow each other."""
    return [word[place : place + 2] for place in range(len(word) - 1)]


def is_unspaced(word: str) -> bool:
    """Tell whether a word may be several words, in a script without spaces."""
    return bool(_UNSPACED.search(word))


async def delete_dropped_words(db: Executor) -> None:
    """Delete the words that names have lost and that no name has any more, for correcting spelling and from notes."""
    await db.execute(_DELETE_DROPPED_WORDS)


async def refresh(pool: Pool) -> int:
    """Fold the names of all tracks whose names are new or have changed; return how many.

    Words that no name has any more are deleted.
    """
    filled, last = 0, ""
    # Not from the start again, where the entries lie that are filled already.
    while stale := await pool.fetch(_STALE, last, _BATCH):
        folded = await asyncio.to_thread(_fold_all, stale)
        await pool.execute(_ADD_WORDS, sorted({word for names in folded for word in names.spelling_candidates}))
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
    await delete_dropped_words(pool)
    return filled


async def refresh_copies(pool: Pool) -> int:
    """Fold the names of tracks whose copies have other names than each other, and of all that `refresh` would."""
    await pool.execute(_MARK_COPIES)
    return await refresh(pool)


def names_of_copies(document: str | None) -> list[tuple[str, list[str], str | None]]:
    """Read title, artists and album of each copy, from a JSON array of what is stored with locations."""
    return [(names["title"], names["artists"], names["album"]) for names in json.loads(document or "[]")]


def _fold_all(rows: Sequence[asyncpg.Record]) -> list[SearchNames]:
    return [_fold_with_copies(row) for row in rows]


def _fold_with_copies(row: asyncpg.Record) -> SearchNames:
    own = SearchNames.of(row["title"], row["artists"], row["album"])
    copies = [SearchNames.of(*names) for names in names_of_copies(row["names_of_copies"])]
    return replace(
        own,
        tokens=sorted(set(own.tokens).union(*(each.tokens for each in copies))),
        spelling_candidates=sorted(set(own.spelling_candidates).union(*(each.spelling_candidates for each in copies))),
    )


def _folded(name: str) -> str:
    return fold(clean(name))


def _is_candidate(word: str) -> bool:
    return _MIN_CANDIDATE_LENGTH <= len(word) <= _MAX_CANDIDATE_LENGTH and not is_unspaced(word)
