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
**{known} of these tracks are music that systems of this table learnt from.** Those marked
"learnt from this music" are no measure of how they do on other music: a network that heard an album before knows it
again, and a projection fitted on an album takes what its tracks share for noise. `training/RESULTS.md` has figures for
music that they never heard; on a folder of your own nothing is marked.
"""
_READING: Final = """\
## How to read this

- **Channel equal**: every recording goes through the same chain before any system hears it: mono at 12 kHz, MP3 of
  32 kbit/s at 12 kHz, which ends at 5.5 kHz, and back, with one gain for all its excerpts before and after, to -23 LUFS
  (ITU-R BS.1770). So bandwidth, loudness, codec and sampling rate cannot be recognised; compression of the dynamics, an
  equaliser and reverberation still can. **Full band**: every system hears the file as it is, at the rate that it works
  at. Who wins only at full band has learnt codecs.
- Cost: processor time of a clip of 30 s (MP3, 128 kbit/s) from file to vector, all threads together, in multiples of
  only decoding it, in this run; without the isolated process of the platform. A recording of three excerpts costs three
  clips.
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
        _with_costs(results, _grid(results, "Finding the album", measures.RETRIEVAL)),
        _grid(results, "Spreading over the catalogue", measures.HUBNESS),
        _grid(results, "Recognising the same recording", measures.ROBUSTNESS),
    ]
    if against is not None:
        shown.append(_differences(results, against))
    return [grid for grid in shown if grid.rows and len(grid.columns) > 1]


def _with_costs(results: Results, grid: Grid) -> Grid:
    costs = [scores.cost for scores in results.scores]
    if all(cost is None for cost in costs):
        return grid
    rows = ((*row, _NOTHING if cost is None else f"{cost:.2f}") for row, cost in zip(grid.rows, costs, strict=True))
    return Grid(grid.title, (*grid.columns, "cost"), tuple(rows))


def to_rich(grid: Grid) -> Table:
    """Return a grid for the terminal."""
    table = Table(title=Text(escape(grid.title)), title_justify="left")
    for number, column in enumerate(grid.columns):
        table.add_column(Text(escape(column)), justify="right" if number else "left", no_wrap=number == 0)
    for row in grid.rows:
        table.add_row(*(Text(escape(cell.strip("*")), style="bold" if cell.startswith("**") else "") for cell in row))
    return table


def to_markdown(protocols: Sequence[Results], against: str | None) -> str:
    """Return the whole report: circumstances, the tables of every protocol in order, and how to read them."""
    first = protocols[0]
    made = first.run
    figures = {**{name: getattr(made, name) for name in made.__slots__}, "skipped": len(made.skipped)}
    lines = [_HEAD.format(**figures)]
    if any(first.is_trained_on_corpus(scores) for scores in first.scores):
        lines += [_KNOWN.format(**figures)]
    for results in protocols:
        for grid in grids(results, against):
            lines += [f"## {grid.title}", "", *_markdown(grid), ""]
    lines += ["## Systems", ""]
    for scores in first.scores:
        notes = "".join(
            _selection_note(results.protocol, results.of(scores.system.name).notes) for results in protocols
        )
        lines.append(f"- `{scores.system.name}`: {scores.system.description}{notes}")
    lines += ["", _READING.format(**figures)]
    return "\n".join(lines)


def _grid(results: Results, title: str, shown: Sequence[Measure]) -> Grid:
    there = [one for one in shown if any(one.key in scores.resampled for scores in results.scores)]
    rows = tuple(
        (_name(results, scores), *(_number(scores.estimate(one.key), one.decimals) for one in there))
        for scores in results.scores
    )
    return Grid(f"{title}, {results.protocol}", ("system", *(one.title for one in there)), rows)


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
    return Grid(
        f"Difference to {against}, in pairs, {results.protocol}", ("system", *(one.title for one in there)), rows
    )


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


def _selection_note(protocol: str, notes: Sequence[str]) -> str:
    if not notes:
        return ""
    counted = ", ".join(f"{note} in {count}" for note, count in sorted(Counter(notes).items()))
    return f" (chosen on the training albums, {protocol}: {counted} of {len(notes)} folds)"
