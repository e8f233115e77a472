"""Command line: `python -m soundalike.research.evaluation --corpus DIR`."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from soundalike import logs
from soundalike.audio.decoder_pool import DecoderPool
from soundalike.domain.text import escape_json
from soundalike.extractor.errors import ExtractorError
from soundalike.research.evaluation import corpus as music
from soundalike.research.evaluation import report, results, systems
from soundalike.research.evaluation.costs import measure_costs, mp3_clip
from soundalike.research.evaluation.distortions import ORIGINAL
from soundalike.research.evaluation.errors import EvaluationError, InvalidBlend, InvalidModel, UnknownSystem
from soundalike.research.evaluation.extraction import extract
from soundalike.research.evaluation.protocols import PROTOCOLS, version_under
from soundalike.research.evaluation.results import Results, RunDescription
from soundalike.research.evaluation.system_scores import FOLDS, QuerySet, measure_system
from soundalike.research.evaluation.system_types import RULES
from soundalike.research.evaluation.teachers import missing
from soundalike.research.evaluation.training_overlap import collections_of
from soundalike.research.evaluation.vector_cache import default_file, open_cache
from soundalike.settings import EX_CONFIG
from soundalike.terminal import escaped_tracebacks, print_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundalike.research.evaluation.extraction import CorpusVectors
    from soundalike.research.evaluation.system_types import Judged

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
    chosen: Annotated[str, typer.Option("--systems", help="Names separated by commas, or all.")] = "",
    against: Annotated[
        str, typer.Option(help="System that the others are compared with; the last one if this is not in the run.")
    ] = systems.REFERENCE,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="One more model, NAME=MODEL.npz or NAME=WEIGHTS.hdf5,STATISTICS.json, as NAME and NAME-projected."
        ),
    ] = None,
    blend: Annotated[
        list[str] | None,
        typer.Option(help="One more system of several: NAME=SYSTEM:WEIGHT,SYSTEM:WEIGHT, each projected by itself."),
    ] = None,
    excerpts: Annotated[
        str, typer.Option(help="By how many excerpts of a long recording: 1, 3, 5, or several with commas.")
    ] = "3",
    weights: Annotated[
        Path | None, typer.Option(envvar="CHOI_WEIGHTS", help="File with the published weights, if you have it.")
    ] = None,
    teachers: Annotated[
        Path | None, typer.Option(envvar="TEACHERS", help="Folder of other networks' weights, for more baselines.")
    ] = None,
    robustness: Annotated[bool, typer.Option(help="Also search with distorted versions of every track.")] = True,
    seed: Annotated[int, typer.Option(help="Random seed of folds and resamples.", min=0)] = 2017,
    cache: Annotated[Path | None, typer.Option(help="File that caches vectors for the next run.")] = None,
) -> None:
    """Measure how good the recommendations are on a folder of music."""
    handler = RichHandler(console=console, show_path=False)
    handler.setFormatter(logs.EscapingFormatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    try:
        files = [_model_files(text) for text in model or []]
        registry = systems.Registry(weights, files, teachers)
        names = [name.strip() for name in chosen.split(",") if name.strip()] or list(registry.default_names)
        for file in files:
            names += [file.name, file.name + systems.PROJECTED]
        judged: list[Judged] = [*registry.select(names), *(registry.blend(text) for text in blend or [])]
        by_name = {
            one.name: one for number in _numbers(excerpts) for one in (two.by_excerpts(number) for two in judged)
        }
        chosen_systems = list(by_name.values())
        command = _command(judged, files, blend or [], excerpts, robustness=robustness, seed=seed)
        run_results = _measure(
            corpus, chosen_systems, cache or default_file(), command, robustness=robustness, seed=seed
        )
    except (InvalidBlend, UnknownSystem) as error:
        raise typer.BadParameter(str(error)) from error
    except (ExtractorError, InvalidModel) as error:
        _print(f"error: {error}")
        raise typer.Exit(EX_CONFIG) from error
    except EvaluationError as error:
        _print(f"error: {error}")
        raise typer.Exit(1) from error
    for name in missing(teachers):
        _print(f"not judged: {name}")
    _write(run_results, out, _reference(run_results, against))


def main() -> None:
    """Run the command line."""
    with escaped_tracebacks():
        app()


def _measure(
    folder: Path, chosen: Sequence[Judged], cache: Path, command: str, *, robustness: bool, seed: int
) -> list[Results]:
    tracks, skipped = music.identify(folder, music.read(folder))
    extractors = {extractor.id: extractor for system in chosen for extractor in system.extractors}
    with open_cache(cache) as vectors, DecoderPool(_decoder_count()) as decoders, _progress() as progress:
        task = progress.add_task("extracting", total=len(tracks))
        extracted = extract(
            folder,
            tracks,
            list(extractors.values()),
            vectors,
            decoders,
            distorted=robustness,
            protocols=PROTOCOLS,
            advance=lambda: progress.advance(task),
        )
    skipped = [*skipped, *extracted.skipped]
    for file in skipped:
        _print(f"{file.path}: {file.reason}")
    labels = music.label(extracted.tracks)
    queries = QuerySet.of(labels)
    collections = [collections_of(track.sha256, track.entry.collection) for track in extracted.tracks]
    learnt_from = frozenset().union(*(system.learnt_from for system in chosen))
    run = RunDescription(
        command=command,
        tracks=len(labels.albums),
        albums=len(set(labels.albums.tolist())),
        judged_tracks=int(queries.album_queries.sum()),
        judged_albums=len(set(labels.albums[queries.album_queries].tolist())),
        seed=seed,
        folds=FOLDS,
        skipped=tuple(skipped),
        known=sum(bool(names & learnt_from) for names in collections),
        collections=Counter(name for names in collections for name in names),
    )
    costs = measure_costs(mp3_clip(folder / extracted.tracks[0].entry.path), list(extractors.values()))
    all_results = []
    with _progress() as progress:
        task = progress.add_task("evaluating", total=len(chosen) * len(PROTOCOLS))
        for protocol in PROTOCOLS:
            scores = []
            for system in chosen:
                raw = {version: _vectors(extracted, system, protocol, version) for version in extracted.versions}
                fit = system.fit_of([_width(extracted, extractor.id, protocol) for extractor in system.extractors])
                judgement = measure_system(queries, raw.pop(ORIGINAL), raw, fit, seed=seed)
                cost = costs.multiple(system.extractors)
                scores.append(results.score(system, judgement, labels.albums, seed=seed, cost=cost))
                progress.advance(task)
            all_results.append(Results(run, scores, protocol))
    return all_results


def _vectors(extracted: CorpusVectors, system: Judged, protocol: str, version: str) -> NDArray[np.float32]:
    name = version_under(protocol, version)
    return np.hstack([extracted.vectors[extractor.id, name] for extractor in system.extractors])


def _width(extracted: CorpusVectors, extractor: str, protocol: str) -> int:
    return int(extracted.vectors[extractor, version_under(protocol, ORIGINAL)].shape[1])


def _write(run_results: Sequence[Results], out: Path, against: str | None) -> None:
    for protocol in run_results:
        for grid in report.grids(protocol, against):
            Console(width=None if sys.stdout.isatty() else 220).print(report.to_rich(grid))
    out.mkdir(parents=True, exist_ok=True)
    (out / MARKDOWN).write_text(report.to_markdown(run_results, against), encoding="utf-8")
    numbers = escape_json(json.dumps(results.to_json(run_results), indent=1, ensure_ascii=False))
    (out / NUMBERS).write_text(numbers + "\n", encoding="utf-8")
    _print(f"written to {out / MARKDOWN} and {out / NUMBERS}")


def _reference(run_results: Sequence[Results], against: str) -> str | None:
    names = [scores.system.name for scores in run_results[0].scores]
    return against if against in names else names[-1] if len(names) > 1 else None


def _numbers(excerpts: str) -> list[int]:
    allowed = {str(number): number for number in RULES}
    try:
        return [allowed[text.strip()] for text in excerpts.split(",")]
    except KeyError as error:
        raise typer.BadParameter(f"{excerpts!r} must be of {', '.join(allowed)}", param_hint="--excerpts") from error


def _model_files(text: str) -> systems.ModelFiles:
    name, equals, files = text.partition("=")
    weights, comma, statistics = files.partition(",")
    if not (name and equals and weights) or bool(comma) != bool(statistics):
        raise typer.BadParameter(
            f"{text!r} must have the form NAME=MODEL.npz or NAME=WEIGHTS.hdf5,STATISTICS.json", param_hint="--model"
        )
    return systems.ModelFiles(name, Path(weights), Path(statistics) if statistics else None)


def _command(
    judged: Sequence[Judged],
    files: Sequence[systems.ModelFiles],
    blends: Sequence[str],
    excerpts: str,
    *,
    robustness: bool,
    seed: int,
) -> str:
    """Return the command without the folders of this machine."""
    added = {name for file in files for name in (file.name, file.name + systems.PROJECTED)}
    added |= {text.partition("=")[0] for text in blends}
    words = ["python -m soundalike.research.evaluation --corpus CORPUS"]
    words.append(f"--systems {','.join(system.name for system in judged if system.name not in added)}")
    words += [f"--model {file}" for file in files]
    words += [f"--blend {text}" for text in blends]
    words += [] if excerpts == "3" else [f"--excerpts {excerpts}"]
    words.append(f"--seed {seed}")
    return " ".join([*words, *([] if robustness else ["--no-robustness"])])


def _print(text: str) -> None:
    print_line(console, text)


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
