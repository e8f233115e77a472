"""Command line: `python -m soundalike.research.evaluation --corpus DIR`."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from soundalike.audio.decoder_pool import DecoderPool
from soundalike.extractor.errors import ExtractorError
from soundalike.research.evaluation import corpus as music
from soundalike.research.evaluation import report, results, systems, training_overlap
from soundalike.research.evaluation.distortions import ORIGINAL
from soundalike.research.evaluation.errors import EvaluationError, UnknownSystem, UnusableModel
from soundalike.research.evaluation.extraction import extract
from soundalike.research.evaluation.results import Circumstances, Results
from soundalike.research.evaluation.system_scores import FOLDS, Corpus, judge
from soundalike.research.evaluation.vector_cache import default_file, open_cache
from soundalike.settings import EX_CONFIG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.research.evaluation.systems import System

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(stderr=True)

MARKDOWN = "RESULTS.md"
NUMBERS = "results.json"


@app.command()
def evaluate(
    corpus: Annotated[
        Path, typer.Option(help="A folder of music, with a tracks.csv (path, album, artist, …) or a folder an album.")
    ],
    *,
    out: Annotated[Path, typer.Option(help=f"Folder for {MARKDOWN} and {NUMBERS}.")] = Path("evaluation-results"),
    chosen: Annotated[str, typer.Option("--systems", help="Names with commas between them, or all.")] = "",
    against: Annotated[
        str, typer.Option(help="System that the others are compared with; without it in the run: the last one.")
    ] = systems.REFERENCE,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="One more model, NAME=MODEL.npz or NAME=WEIGHTS.hdf5,STATISTICS.json, as NAME and NAME-projected."
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(envvar="CHOI_WEIGHTS", help="The published weights, if already here.")
    ] = None,
    robustness: Annotated[bool, typer.Option(help="Also look for changed versions of every track.")] = True,
    seed: Annotated[int, typer.Option(help="Of folds and resamples.", min=0)] = 2017,
    cache: Annotated[Path | None, typer.Option(help="File that keeps vectors for the next run.")] = None,
) -> None:
    """Measure how good the recommendations are on a folder of music."""
    logging.basicConfig(
        level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=console, show_path=False)]
    )
    try:
        files = [_model_files(text) for text in model or []]
        registry = systems.Registry(weights, files)
        names = [name.strip() for name in chosen.split(",") if name.strip()] or list(registry.usual)
        for one in files:
            names += [one.name, one.name + systems.PROJECTED]
        chosen_systems = registry.choose(names)
        command = _command(chosen_systems, files, robustness=robustness, seed=seed)
        found = _measure(corpus, chosen_systems, cache or default_file(), command, robustness=robustness, seed=seed)
    except UnknownSystem as error:
        raise typer.BadParameter(str(error)) from error
    except (ExtractorError, UnusableModel) as error:
        _say(f"error: {error}")
        raise typer.Exit(EX_CONFIG) from error
    except EvaluationError as error:
        _say(f"error: {error}")
        raise typer.Exit(1) from error
    _write(found, out, _reference(found, against))


def main() -> None:
    """Run the command line."""
    app()


def _measure(
    folder: Path, chosen: Sequence[System], cache: Path, command: str, *, robustness: bool, seed: int
) -> Results:
    tracks, skipped = music.identify(folder, music.read(folder))
    extractors = {system.extractor.id: system.extractor for system in chosen}
    with open_cache(cache) as kept, DecoderPool(_decoder_count()) as decoders, _progress() as progress:
        task = progress.add_task("hearing", total=len(tracks))
        heard = extract(
            folder,
            tracks,
            list(extractors.values()),
            kept,
            decoders,
            changed=robustness,
            advance=lambda: progress.advance(task),
        )
    skipped = [*skipped, *heard.skipped]
    for one in skipped:
        _say(f"{one.path}: {one.reason}")
    labels = music.label(heard.tracks)
    judged = Corpus.of(labels)
    scores = []
    with _progress() as progress:
        task = progress.add_task("judging", total=len(chosen))
        for system in chosen:
            raw = {version: heard.vectors[system.extractor.id, version] for version in heard.versions}
            judgement = judge(judged, raw.pop(ORIGINAL), raw, system.fit, seed=seed)
            scores.append(results.score(system, judgement, labels.albums, seed=seed))
            progress.advance(task)
    made = Circumstances(
        command=command,
        tracks=len(labels.albums),
        albums=len(set(labels.albums.tolist())),
        judged_tracks=int(judged.album_asked.sum()),
        judged_albums=len(set(labels.albums[judged.album_asked].tolist())),
        seed=seed,
        folds=FOLDS,
        skipped=tuple(skipped),
        known=training_overlap.count(track.sha256 for track in heard.tracks),
    )
    return Results(made, scores)


def _write(found: Results, out: Path, against: str | None) -> None:
    for grid in report.grids(found, against):
        Console(width=None if sys.stdout.isatty() else 220).print(report.to_rich(grid))
    out.mkdir(parents=True, exist_ok=True)
    (out / MARKDOWN).write_text(report.to_markdown(found, against), encoding="utf-8")
    (out / NUMBERS).write_text(json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _say(f"written: {out / MARKDOWN}, {out / NUMBERS}")


def _reference(found: Results, against: str) -> str | None:
    names = [scores.system.name for scores in found.scores]
    return against if against in names else names[-1] if len(names) > 1 else None


def _model_files(text: str) -> systems.ModelFiles:
    name, equals, files = text.partition("=")
    weights, comma, statistics = files.partition(",")
    if not (name and equals and weights) or bool(comma) != bool(statistics):
        raise typer.BadParameter(
            f"{text!r} should read NAME=MODEL.npz or NAME=WEIGHTS.hdf5,STATISTICS.json", param_hint="--model"
        )
    return systems.ModelFiles(name, Path(weights), Path(statistics) if statistics else None)


def _command(chosen: Sequence[System], files: Sequence[systems.ModelFiles], *, robustness: bool, seed: int) -> str:
    """Write the command again, without the folders of this machine."""
    added = {name for one in files for name in (one.name, one.name + systems.PROJECTED)}
    words = ["python -m soundalike.research.evaluation --corpus CORPUS"]
    words.append(f"--systems {','.join(system.name for system in chosen if system.name not in added)}")
    words += [f"--model {one}" for one in files]
    words.append(f"--seed {seed}")
    return " ".join([*words, *([] if robustness else ["--no-robustness"])])


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not sys.stderr.isatty(),
    )


def _decoder_count() -> int:
    return max(1, min(4, (os.cpu_count() or 2) // 2))
