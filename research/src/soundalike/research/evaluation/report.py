"""Results for people: tables on the terminal, and the same as Markdown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from soundalike.domain.text import escape
from soundalike.research.evaluation import measures
from soundalike.research.evaluation.results import difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from soundalike.research.evaluation.bootstrap import Estimate
    from soundalike.research.evaluation.measures import Measure
    from soundalike.research.evaluation.results import Results, Scores

_COMPARED: Final = (
    *(measure for measure in measures.RETRIEVAL if measure.key not in {"p_at_1", "p_at_5"}),
    *(measure for measure in measures.HUBNESS if measure.key not in {"n10_largest", "coverage_at_10"}),
)
_NOTHING: Final = "-"
_HEAD: Final = """\
# How good the recommendations are

{tracks} tracks in {albums} albums. Queries are the {judged_tracks} tracks in the {judged_albums} albums that have at
least three. Files left out: {skipped}.

```
{command}
```
"""
_MARK: Final = " (learnt from this music)"
_KNOWN: Final = """\
**{known} of these tracks are music that the shipped weights and projections were learnt from.** The systems marked
"learnt from this music" are no measure of how they do on other music: a network that heard an album before knows it
again, and a projection fitted on an album takes what its tracks share for noise. `training/RESULTS.md` has figures for
music that they never heard; on a folder of your own nothing is marked.
"""
_READING: Final = """\
## How to read this

- In brackets: 95 % intervals of a bootstrap over albums ({resamples} resamples, seed {seed}), the same resamples for
  every system, so that differences are paired; bold where such an interval excludes 0. With few albums such intervals
  are a little too narrow. For N10 the albums of the recommended tracks are drawn, and their N10 stays as it is; so the
  interval of the largest can only reach down.
- What is fitted is fitted on other albums and artists than it is judged on (up to {folds} folds).
- Queries are the tracks of albums (artists) with at least three tracks; all other tracks are candidates too. Files of
  the same content are left out. Equally similar tracks come in the order of their checksums.
- N10: how often a track stands in the lists of 10 of all tracks. coverage@10 is the share of tracks that stand in at
  least one of them, never recommended is the rest.
- Recognising: a track is changed (MP3 of 64 kbit/s, 6 dB louder with clipping, 6 dB quieter, heard 5 s later) and
  looked for among all tracks as they are: how often it comes first, and its median rank.
- An album is one style and often one composer, but also one mastering and one codec: these numbers compare systems,
  they do not say how pleased people are.
- The fixed statistics that are shipped for Choi's network (means and variances, no labels) were measured over 414
  tracks of the soundtracks of 32 free games. Judged on that same music, the network has heard it before; statistics of
  other music can be judged as `--model`.
"""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as plain text cells, ready for any medium."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def grids(results: Results, against: str | None) -> list[Grid]:
    """Return all tables; with `against`, the differences to that system too."""
    shown = [
        _grid(results, "Finding the album", measures.RETRIEVAL),
        _grid(results, "Spreading over the catalogue", measures.HUBNESS),
        _grid(results, "Recognising the same recording", measures.ROBUSTNESS),
    ]
    if against is not None:
        shown.append(_differences(results, against))
    return [grid for grid in shown if grid.rows and len(grid.columns) > 1]


def to_rich(grid: Grid) -> Table:
    """Return a grid for the terminal."""
    table = Table(title=Text(escape(grid.title)), title_justify="left")
    for number, column in enumerate(grid.columns):
        table.add_column(Text(escape(column)), justify="right" if number else "left", no_wrap=number == 0)
    for row in grid.rows:
        table.add_row(*(Text(escape(cell.strip("*")), style="bold" if cell.startswith("**") else "") for cell in row))
    return table


def to_markdown(results: Results, against: str | None) -> str:
    """Return the whole report: circumstances, tables, and how to read them."""
    made = results.run
    figures = {**{name: getattr(made, name) for name in made.__slots__}, "skipped": len(made.skipped)}
    lines = [_HEAD.format(**figures)]
    if any(results.is_trained_on_corpus(scores) for scores in results.scores):
        lines += [_KNOWN.format(**figures)]
    for grid in grids(results, against):
        lines += [f"## {grid.title}", "", *_markdown(grid), ""]
    lines += ["## Systems", ""]
    lines += [
        f"- `{scores.system.name}`: {scores.system.description}{_selection_note(scores.notes)}"
        for scores in results.scores
    ]
    lines += ["", _READING.format(**figures)]
    return "\n".join(lines)


def _grid(results: Results, title: str, shown: Sequence[Measure]) -> Grid:
    there = [one for one in shown if any(one.key in scores.resampled for scores in results.scores)]
    rows = tuple(
        (_name(results, scores), *(_number(scores.estimate(one.key), one.decimals) for one in there))
        for scores in results.scores
    )
    return Grid(title, ("system", *(one.title for one in there)), rows)


def _differences(results: Results, against: str) -> Grid:
    base = results.of(against)
    there = [one for one in _COMPARED if one.key in base.resampled]
    rows = tuple(
        (
            _name(results, scores),
            *(_number(difference(scores, base, one.key), one.decimals, signed=True) for one in there),
        )
        for scores in results.scores
        if scores is not base
    )
    return Grid(f"Difference to {against}, in pairs", ("system", *(one.title for one in there)), rows)


def _name(results: Results, scores: Scores) -> str:
    return scores.system.name + (_MARK if results.is_trained_on_corpus(scores) else "")


def _number(estimate: Estimate | None, decimals: int, *, signed: bool = False) -> str:
    if estimate is None:
        return _NOTHING
    form = f"{'+' if signed else ''}.{decimals}f"
    text = f"{estimate.value:{form}} [{estimate.low:{form}}, {estimate.high:{form}}]"
    return f"**{text}**" if signed and estimate.excludes_zero() else text


def _markdown(grid: Grid) -> Iterator[str]:
    yield f"| {' | '.join(grid.columns)} |"
    yield f"|{'---|' * len(grid.columns)}"
    for row in grid.rows:
        yield f"| {' | '.join(row)} |"


def _selection_note(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    counted = ", ".join(f"{note} in {count}" for note, count in sorted(Counter(notes).items()))
    return f" (chosen on the training albums: {counted} of {len(notes)} folds)"
