"""How long a search by name takes among a million made-up tracks, beside a scan of all titles.

    python -m soundalike.research.bench.search [--tracks 1000000] [--repetitions 100] [--database postgresql://…]

The words of the names are as frequent as in a language (Zipf), one artist has up to thousands of tracks, some names are
Russian, some Japanese. A database server of its own is started and filled (minutes); with `--database` the one named
is filled where it has no tracks, and searched. Measured is `db.search.search`, on one connection; processor time
is that of this process and the server's, and knows nothing of what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from soundalike.db import database, schema, search, search_names
from soundalike.research.bench import clock
from soundalike.research.bench.clock import Cost
from soundalike.research.bench.servers import throwaway_database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    import asyncpg

    from soundalike.db.database import Pool

_N: Final = 10
_BATCH: Final = 50_000
_LATIN: Final = ("bcdfghjklmnprstvw", "aeiou")
# The Russian letters by their numbers, as some look like Latin ones.
_RUSSIAN: Final = (
    [chr(code) for code in range(0x431, 0x449) if code not in {0x435, 0x438, 0x43E, 0x443}],
    [chr(code) for code in (0x430, 0x435, 0x438, 0x43E, 0x443)],
)
_JAPANESE: Final = [chr(code) for code in (*range(0x3042, 0x3090, 2), *range(0x4E00, 0x4F00))]
_NOTES: Final = (" - Remastered 2011", " (Live)", " (feat. {artist})", " - Radio Edit")

_COLUMNS: Final = ("p50, ms", "p95, ms", "processor p50", "p95", "with results", "times the scan, processor p95")
BASELINE: Final = "a scan of all titles (ILIKE)"


class Names:
    """Words and artists to draw from, the same for one seed."""

    def __init__(self, seed: int, tracks: int) -> None:
        self.random = random.Random(seed)
        self._numpy = np.random.default_rng(seed)
        count = max(2_000, tracks // 4)
        self._words = {
            "latin": list(dict.fromkeys(self._word(*_LATIN) for _ in range(count))),
            "russian": list(dict.fromkeys(self._word(*_RUSSIAN) for _ in range(count // 20))),
        }
        self._artists = [(script, self._name(script, 1, 3)) for script in self._scripts(max(50, tracks // 8))]

    def rows(self, tracks: int) -> Iterator[tuple[str, str, str, list[str], str, str]]:
        """Yield the rows of the table `tracks`: urn, source, title, artists, album, state."""
        of = (self._zipf(len(self._artists), tracks)).tolist()
        for number, index in enumerate(of):
            script, artist = self._artists[index]
            title = self._name(script, 1, 6)
            if self.random.random() < 0.2:
                title += self.random.choice(_NOTES).format(artist=self.random.choice(self._artists)[1])
            yield f"deezer:track:{number + 1}", "deezer", title, [artist], self._name(script, 1, 4), "ready"

    def _scripts(self, count: int) -> list[str]:
        return self.random.choices(["latin", "russian", "japanese"], weights=[90, 5, 5], k=count)

    def _name(self, script: str, shortest: int, longest: int) -> str:
        length = self.random.randint(shortest, longest)
        if script == "japanese":
            return "".join(self.random.choices(_JAPANESE, k=length + 2))
        words = self._words[script]
        return " ".join(words[int(index)] for index in self._zipf(len(words), length)).title()

    def _word(self, consonants: Sequence[str], vowels: Sequence[str]) -> str:
        pick = self.random.choice
        return "".join(pick(consonants) + pick(vowels) for _ in range(self.random.choice((1, 2, 2, 3, 3, 4))))

    def _zipf(self, below: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        # The n-th of `below` things is about 1/n as frequent as the first.
        return np.asarray(np.expm1(self._numpy.random(count) * np.log1p(below)), dtype=np.int64)


async def write(pool: Pool, tracks: int) -> None:
    """Write made-up tracks."""
    before = time.perf_counter()
    columns = ["urn", "source", "title", "artists", "album", "state"]
    rows = Names(7, tracks).rows(tracks)
    async with pool.acquire() as connection:
        while batch := [row for _, row in zip(range(_BATCH), rows, strict=False)]:
            await connection.copy_records_to_table("tracks", records=batch, columns=columns, timeout=600)
    written = time.perf_counter()
    print(f"{tracks} tracks written in {written - before:.0f} s")


async def fold(pool: Pool) -> None:
    """Fold the names that are not folded yet, as an upgrade of the platform does."""
    before = time.perf_counter()
    if filled := await search_names.refresh(pool):
        print(f"{filled} names folded in {time.perf_counter() - before:.0f} s")
        await pool.execute("VACUUM ANALYZE", timeout=600)


def questions(rows: list[asyncpg.Record], pick: random.Random) -> dict[str, list[str]]:
    """Return what is typed, by kind, made of tracks that exist."""
    latin = [row for row in rows if row["title"].isascii() and row["artist"].isascii()]
    titles = [row["title"] for row in latin]
    other = [row["title"] for row in rows if not row["title"].isascii() and len(row["title"]) > 2]
    long = [title for title in titles if max(map(len, title.split())) > 5]
    return {
        "a full title": titles,
        "a title, letter by letter": [title[:end] for title in titles[:40] for end in range(1, len(title) + 1)],
        "the name of an artist": [row["artist"] for row in latin],
        "a word of the artist and one of the title": [
            f"{pick.choice(row['artist'].split())} {pick.choice(row['title'].split())}" for row in latin
        ],
        "a word, and one letter of the next": [
            f"{pick.choice(row['title'].split())} {pick.choice(row['artist'].split())[0]}" for row in latin
        ],
        "one typo": [_misspelt(title, pick) for title in long],
        "one typo in a single word": [_misspelt(max(title.split(), key=len), pick) for title in long],
        "Russian and Japanese": other,
        "from the middle of a Japanese title": [title[1:3] for title in other if title[1] >= "\u3040"],
        "nothing like it": ["".join(pick.choices("xqzjvw", k=9)) for _ in range(100)],
    }


def _misspelt(title: str, pick: random.Random) -> str:
    word = max(title.split(), key=len)
    place = pick.randrange(1, len(word) - 1)
    wrong = pick.choice(
        [
            word[:place] + word[place + 1 :],
            word[:place] + pick.choice("aeiourst") + word[place:],
            word[:place] + pick.choice("bcdfgmnp") + word[place + 1 :],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        ]
    )
    return title.replace(word, wrong)


async def timed(ask: Callable[[str], Awaitable[object]], queries: list[str], server: int) -> list[Cost]:
    """Return what each question cost this process and the server's process, in seconds."""

    def now() -> Cost:
        return Cost(time.perf_counter(), time.process_time() + clock.ran(server))

    costs = []
    for text in queries:
        before = now()
        await ask(text)
        costs.append(now() - before)
    return costs


async def measure(url: str, tracks: int, repetitions: int) -> None:
    """Fill the database where it is empty, ask, and print."""
    await schema.upgrade(url)
    async with database.connect(url, size=1) as pool:
        if not await pool.fetchval("SELECT EXISTS (SELECT FROM tracks)"):
            await write(pool, tracks)
        await fold(pool)
        sample = "SELECT title, artists[1] AS artist FROM tracks TABLESAMPLE bernoulli(2) REPEATABLE (1) LIMIT 4000"
        pick = random.Random(3)
        queries = questions(await pool.fetch(sample), pick)
        process: int = await pool.fetchval("SELECT pg_backend_pid()")
        table = Table("what is typed", *_COLUMNS)
        scan = await timed(
            lambda text: pool.fetch("SELECT urn FROM tracks WHERE title ILIKE '%' || $1 || '%' LIMIT $2", text, _N),
            queries["nothing like it"][:20],
            process,
        )
        table.add_row(BASELINE, *_shown(scan), "", "1")
        for kind, texts in queries.items():
            chosen = pick.sample(texts, min(repetitions, len(texts)))
            counts: list[int] = []

            async def ask(text: str, counts: list[int] = counts) -> None:
                counts.append(len(await search.search(pool, text, limit=_N)))

            await timed(ask, chosen[:5], process)
            counts.clear()
            costs = await timed(ask, chosen, process)
            share = _percentile(95, costs, "cpu") / _percentile(95, scan, "cpu")
            table.add_row(kind, *_shown(costs), f"{np.mean(np.array(counts) > 0):.0%}", f"{share:.3f}")
        Console(width=140).print(table)


def _percentile(percent: int, costs: list[Cost], clock_name: str) -> float:
    return float(np.percentile([getattr(cost, clock_name) for cost in costs], percent)) * 1000


def _shown(costs: list[Cost]) -> list[str]:
    return [f"{_percentile(percent, costs, name):.1f}" for name in ("wall", "cpu") for percent in (50, 95)]


async def run(options: argparse.Namespace) -> None:
    """Measure in the database that is named, or in one that is made for it."""
    if options.database:
        await measure(options.database, options.tracks, options.repetitions)
        return
    async with throwaway_database() as url:
        await measure(url, options.tracks, options.repetitions)


def main() -> None:
    """Read the arguments, and measure."""
    arguments = argparse.ArgumentParser(description="How long a search by name takes.")
    arguments.add_argument("--tracks", type=int, default=1_000_000)
    arguments.add_argument("--repetitions", type=int, default=100)
    arguments.add_argument("--database", help="an address, postgresql://…, instead of a server made for it")
    asyncio.run(run(arguments.parse_args()))


if __name__ == "__main__":
    main()
