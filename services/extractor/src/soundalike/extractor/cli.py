"""The extractor's command line."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from soundalike import logs
from soundalike.audio.decoder_pool import DecoderPool
from soundalike.errors import SoundalikeError
from soundalike.extractor import batch, service, statistics, tagger, weights
from soundalike.extractor.architecture import LAYERS
from soundalike.extractor.batch import Batch, EmbeddedFile, FailedFile
from soundalike.extractor.embedder import EmbedderPool
from soundalike.extractor.errors import StatisticsUnusable, TensorFlowMissing, WeightsDamaged, WeightsUnavailable
from soundalike.extractor.model import Model
from soundalike.extractor.models import choi_2017
from soundalike.extractor.models.registry import DEFAULT, ModelChoice, ModelName, StatisticsMode, load_model
from soundalike.extractor.settings import ExtractorSettings
from soundalike.settings import EX_CONFIG, load
from soundalike.terminal import escaped_tracebacks, print_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

app = typer.Typer(
    help="Extract embeddings and tags of music with a neural network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True)

WeightsFile = Annotated[
    Path | None,
    typer.Option("--weights", envvar="CHOI_WEIGHTS", help="File with the published weights, if you have it."),
]
Cache = Annotated[Path | None, typer.Option("--cache", envvar="MODEL_CACHE", help="Folder that caches the weights.")]
Corpus = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder of varied music.")]
Description = Annotated[str, typer.Option(help="Description of the corpus, stored in the file.")]


@app.callback()
def set_up() -> None:
    """Set up what all commands share."""
    handler = RichHandler(console=console, show_path=False)
    handler.setFormatter(logs.EscapingFormatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # A line per request would be noise.
    logging.getLogger("httpx").setLevel(logging.WARNING)


@app.command()
def extract(
    paths: Annotated[list[Path], typer.Argument(help="Audio files, and folders to search for them.")],
    out: Annotated[Path, typer.Option(help="Output file: a NumPy .npz with paths, vectors and tags.")],
    *,
    name: Annotated[ModelName, typer.Option("--model", envvar="MODEL", help="The network to use.")] = DEFAULT,
    mode: Annotated[
        StatisticsMode,
        typer.Option(
            "--statistics",
            envvar="STATISTICS",
            help="Normalise by fixed statistics of much music, or by those of each clip like the published script.",
        ),
    ] = "fixed",
    weights_file: WeightsFile = None,
    cache: Cache = None,
) -> None:
    """Write one vector of 160 numbers and the probabilities of 50 tags for each audio file."""
    if not out.parent.is_dir():
        raise typer.BadParameter(f"the folder {out.parent} does not exist", param_hint="--out")
    choice = ModelChoice(name=name, mode=mode, choi_weights=weights_file, model_cache=cache)
    model = _load(choice)
    files = batch.find_audio_files(paths)
    result = _embed(files, model)
    if not result.embedded:
        _print("no file could be decoded" if files else "no audio file was found")
        raise typer.Exit(1)
    result.save(out)
    _print(f"{len(result.embedded)} files extracted, {len(result.failed)} failed, model {model.id}; written to {out}")


@app.command()
def measure_statistics(
    corpus: Corpus,
    out: Annotated[Path, typer.Option(help="Where to write the statistics (JSON).")],
    *,
    description: Description = "",
    weights_file: WeightsFile = None,
    cache: Cache = None,
) -> None:
    """Measure the mean and variance before each normalisation over a folder of music. Needs TensorFlow."""
    from soundalike.extractor import statistics_fit

    published = _published_weights(weights_file, cache)
    files = batch.find_audio_files([corpus])
    command = f"python -m soundalike.extractor measure-statistics CORPUS --out {out.name}"
    with DecoderPool(_decoder_count()) as decoders, _progress() as progress:
        task = progress.add_task("measuring", total=len(files) * (LAYERS + 1))

        def advance(stage: str) -> None:
            progress.update(task, advance=1, description=stage)

        def clips() -> Iterator[NDArray[np.float32]]:
            for decoded in batch.decode_files(files, decoders):
                if isinstance(decoded, FailedFile):
                    _print(f"{decoded.path}: {decoded.reason}")
                else:
                    yield from decoded.excerpts.separate()

        try:
            measured = statistics_fit.measure(
                clips(), published, corpus=description or corpus.name, command=command, advance=advance
            )
        except (ValueError, TensorFlowMissing) as error:
            _print(str(error))
            raise typer.Exit(1) from error
    _write(measured, out)


@app.command()
def measure_tags(
    corpus: Corpus,
    out: Annotated[Path, typer.Option(help="Where to write the mean probabilities (JSON).")],
    *,
    description: Description = "",
    weights_file: WeightsFile = None,
    cache: Cache = None,
) -> None:
    """Measure the mean probability of each tag over a folder of music, the reference for the tags of a track."""
    published = _published_weights(weights_file, cache)
    try:
        fixed = statistics.load_builtin(published)
    except StatisticsUnusable as error:
        raise _configuration_error(error) from error
    model = Model(published, fixed)
    files = _embed(batch.find_audio_files([corpus]), model).embedded
    tags = [file.tags for file in files if file.tags is not None]
    if not tags:
        _print("no file could be decoded")
        raise typer.Exit(1)
    means = tagger.MeanTagProbabilities(
        probabilities=np.stack(tags).mean(axis=0, dtype=np.float64).astype(np.float32),
        weights_sha256=published.sha256,
        statistics_sha256=fixed.sha256,
        clips=len(tags),
        corpus=description or corpus.name,
        command=f"python -m soundalike.extractor measure-tags CORPUS --out {out.name}",
    )
    _write(means, out)


@app.command()
def run() -> None:
    """Extract the embeddings of previews from the queue until the process is stopped."""
    settings = load(ExtractorSettings)
    logs.configure("extractor")
    embedder = EmbedderPool(_load(settings.model_choice), DecoderPool(settings.concurrency))
    try:
        asyncio.run(service.serve(settings, embedder))
    except SoundalikeError as error:
        _print(f"error: {error}")
        raise typer.Exit(service.exit_status(error)) from error
    finally:
        embedder.close()


@app.command()
def redrive() -> None:
    """Send the dead letters back to the queue, for another five attempts each."""
    settings = load(ExtractorSettings)
    logs.configure("extractor")
    try:
        moved = asyncio.run(service.redrive_dead_letters(settings))
    except SoundalikeError as error:
        _print(f"error: {error}")
        raise typer.Exit(1) from error
    _print(f"{moved} messages sent back to {settings.queue_name}")


def main() -> None:
    """Run the command line."""
    with escaped_tracebacks():
        app()


def _load(choice: ModelChoice) -> Model:
    try:
        return load_model(choice)
    except (WeightsUnavailable, WeightsDamaged, StatisticsUnusable) as error:
        raise _configuration_error(error) from error


def _published_weights(weights_file: Path | None, cache: Path | None) -> weights.Weights:
    try:
        return weights.parse(choi_2017.published_weights(weights_file, cache))
    except (WeightsUnavailable, WeightsDamaged) as error:
        raise _configuration_error(error) from error


def _write(measured: statistics.Statistics | tagger.MeanTagProbabilities, out: Path) -> None:
    out.write_text(measured.to_json(), encoding="utf-8")
    _print(f"{measured.clips} clips measured; written to {out}")


def _embed(files: list[Path], model: Model) -> Batch:
    result = Batch(model.id)
    with DecoderPool(_decoder_count()) as decoders, _progress() as progress:
        task = progress.add_task("extracting", total=len(files))
        for outcome in batch.embed_files(files, model, decoders):
            match outcome:
                case EmbeddedFile():
                    result.embedded.append(outcome)
                case FailedFile(path, reason):
                    result.failed.append(outcome)
                    _print(f"{path}: {reason}")
            progress.advance(task)
    return result


def _print(text: str) -> None:
    print_line(console, text)


def _configuration_error(error: Exception) -> typer.Exit:
    _print(f"error: {error}.")
    return typer.Exit(EX_CONFIG)


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
