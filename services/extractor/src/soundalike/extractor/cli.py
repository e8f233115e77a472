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
from soundalike.extractor.batch import Batch, HeardFile, Unheard
from soundalike.extractor.embedder import ListeningPool
from soundalike.extractor.errors import StatisticsUnusable, TensorFlowMissing, WeightsDamaged, WeightsUnavailable
from soundalike.extractor.model import Model
from soundalike.extractor.models import choi_2017
from soundalike.extractor.models.registry import DEFAULT, Choice, ModelName, StatisticsMode, load_model
from soundalike.extractor.settings import ExtractorSettings
from soundalike.settings import EX_CONFIG, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

app = typer.Typer(help="Hears music through Choi's network.", no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(stderr=True)

WeightsFile = Annotated[
    Path | None, typer.Option("--weights", envvar="CHOI_WEIGHTS", help="The published weights, if already here.")
]
Cache = Annotated[Path | None, typer.Option("--cache", envvar="MODEL_CACHE", help="Folder that keeps the weights.")]


@app.callback()
def prepare() -> None:
    """Set up what all commands share."""
    logging.basicConfig(
        level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=console, show_path=False)]
    )
    # One line a request is no news here.
    logging.getLogger("httpx").setLevel(logging.WARNING)


@app.command()
def extract(
    paths: Annotated[list[Path], typer.Argument(help="Audio files, and folders that are searched for them.")],
    out: Annotated[Path, typer.Option(help="Where to write: a NumPy .npz with paths, vectors, tags.")],
    *,
    name: Annotated[ModelName, typer.Option("--model", envvar="MODEL", help="The network to hear with.")] = DEFAULT,
    mode: Annotated[
        StatisticsMode,
        typer.Option(
            "--statistics",
            envvar="STATISTICS",
            help="Normalise by fixed statistics of much music, or by those of each clip as the published script does.",
        ),
    ] = "fixed",
    weights_file: WeightsFile = None,
    cache: Cache = None,
) -> None:
    """Hear audio files and write one vector of 160 numbers and the probabilities of 50 tags for each."""
    if not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}", param_hint="--out")
    choice = Choice(name=name, mode=mode, choi_weights=weights_file, model_cache=cache)
    model = _load(choice)
    files = batch.find(paths)
    result = _hear(files, model)
    if not result.heard:
        _say("nothing could be heard" if files else "no audio file was found")
        raise typer.Exit(1)
    result.save(out)
    _say(f"{len(result.heard)} heard, {len(result.unheard)} not, by {model.id}; written to {out}")


@app.command()
def measure_statistics(
    corpus: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder of varied music.")],
    out: Annotated[Path, typer.Option(help="Where to write the statistics (JSON).")],
    *,
    description: Annotated[str, typer.Option(help="What the corpus is, for those who read the file.")] = "",
    weights_file: WeightsFile = None,
    cache: Cache = None,
) -> None:
    """Measure the mean and variance before each normalisation over a folder of music. Needs TensorFlow."""
    from soundalike.extractor import statistics_fit

    try:
        given = weights.parse(choi_2017.published_weights(weights_file, cache))
    except (WeightsUnavailable, WeightsDamaged) as error:
        raise _refusal(error) from error
    files = batch.find([corpus])
    command = f"python -m soundalike.extractor measure-statistics CORPUS --out {out.name}"
    with DecoderPool(_decoder_count()) as decoders, _progress() as progress:
        task = progress.add_task("measuring", total=len(files) * (LAYERS + 1))

        def advance(stage: str) -> None:
            progress.update(task, advance=1, description=stage)

        def clips() -> Iterator[NDArray[np.float32]]:
            for decoded in batch.decode_files(files, decoders):
                if isinstance(decoded, Unheard):
                    _say(f"{decoded.path}: {decoded.reason}")
                else:
                    yield decoded.recording.samples

        try:
            measured = statistics_fit.measure(
                clips(), given, corpus=description or corpus.name, command=command, advance=advance
            )
        except (ValueError, TensorFlowMissing) as error:
            _say(str(error))
            raise typer.Exit(1) from error
    out.write_text(measured.to_json(), encoding="utf-8")
    _say(f"{measured.clips} clips measured; written to {out}")


@app.command()
def measure_tags(
    corpus: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder of varied music.")],
    out: Annotated[Path, typer.Option(help="Where to write the mean probabilities (JSON).")],
    *,
    description: Annotated[str, typer.Option(help="What the corpus is, for those who read the file.")] = "",
    weights_file: WeightsFile = None,
    cache: Cache = None,
) -> None:
    """Measure how probable the published network finds each tag on average, beside which a track's tags are read."""
    try:
        given = weights.parse(choi_2017.published_weights(weights_file, cache))
        fixed = statistics.shipped(given)
    except (WeightsUnavailable, WeightsDamaged, StatisticsUnusable) as error:
        raise _refusal(error) from error
    model = Model(given, fixed)
    tags = [one.tags for one in _hear(batch.find([corpus]), model).heard if one.tags is not None]
    if not tags:
        _say("there is no clip to measure")
        raise typer.Exit(1)
    usual = tagger.UsualTags(
        probabilities=np.stack(tags).mean(axis=0, dtype=np.float64).astype(np.float32),
        weights_sha256=given.sha256,
        statistics_sha256=fixed.sha256,
        clips=len(tags),
        corpus=description or corpus.name,
        command=f"python -m soundalike.extractor measure-tags CORPUS --out {out.name}",
    )
    out.write_text(usual.to_json(), encoding="utf-8")
    _say(f"{len(tags)} clips measured; written to {out}")


@app.command()
def run() -> None:
    """Take previews from the queue, hear them and store their vectors, until told to stop."""
    settings = load(ExtractorSettings)
    logs.configure("extractor")
    listener = ListeningPool(_load(settings.choice), DecoderPool(settings.concurrency))
    try:
        asyncio.run(service.serve(settings, listener))
    except SoundalikeError as error:
        _say(f"error: {error}")
        raise typer.Exit(service.exit_status(error)) from error
    finally:
        listener.close()


@app.command()
def redrive() -> None:
    """Send the dead letters back to the queue, for previews that deserve another five tries."""
    settings = load(ExtractorSettings)
    logs.configure("extractor")
    try:
        moved = asyncio.run(service.send_back(settings))
    except SoundalikeError as error:
        _say(f"error: {error}")
        raise typer.Exit(1) from error
    _say(f"{moved} messages sent back to {settings.queue_name}")


def main() -> None:
    """Run the command line."""
    app()


def _load(choice: Choice) -> Model:
    try:
        return load_model(choice)
    except (WeightsUnavailable, WeightsDamaged, StatisticsUnusable) as error:
        raise _refusal(error) from error


def _hear(files: list[Path], model: Model) -> Batch:
    result = Batch(model.id)
    with DecoderPool(_decoder_count()) as decoders, _progress() as progress:
        task = progress.add_task("hearing", total=len(files))
        for outcome in batch.hear_files(files, model, decoders):
            match outcome:
                case HeardFile():
                    result.heard.append(outcome)
                case Unheard(path, reason):
                    result.unheard.append(outcome)
                    _say(f"{path}: {reason}")
            progress.advance(task)
    return result


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _refusal(error: Exception) -> typer.Exit:
    _say(f"error: {error}.")
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
