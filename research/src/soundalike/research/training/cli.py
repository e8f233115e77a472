"""Command line: `python -m soundalike.research.training CORPUS`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path  # noqa: TC003 - typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from soundalike.extractor import weights as networks
from soundalike.extractor.errors import ExtractorError
from soundalike.extractor.model import model_id
from soundalike.extractor.models import choi_2017, soundalike_1
from soundalike.research.training.errors import TrainingError
from soundalike.terminal import echo_document, escaped_tracebacks, print_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from soundalike.research.training.pipeline import TrainingResult

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(stderr=True)

EX_CONFIG = 78


@app.command()
def train(
    corpus: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Whole tracks, and a tracks.csv.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights, the projection, tables and curves.")],
    *,
    work: Annotated[
        Path | None, typer.Option(help="Folder for what takes long to prepare; OUT/work if not named.")
    ] = None,
    hybrids: Annotated[int, typer.Option(min=8, help="How many pieces of music to make that nobody recorded.")] = 1000,
    weights: Annotated[Path | None, typer.Option(envvar="CHOI_WEIGHTS", help="The published weights.")] = None,
    cache: Annotated[Path | None, typer.Option(envvar="MODEL_CACHE", help="Folder that keeps the weights.")] = None,
) -> None:
    """Train soundalike-1, and measure it on albums that it never heard."""
    missing = [name for name in ("torch", "matplotlib", "musicnn") if find_spec(name) is None]
    if missing:
        _print(f"error: {', '.join(missing)} is not installed: pip install --no-deps -r requirements/training.txt")
        raise typer.Exit(EX_CONFIG)
    from soundalike.research.training import pipeline

    try:
        choi = networks.parse(choi_2017.published_weights(weights, cache))
        out.mkdir(parents=True, exist_ok=True)
        prepared = pipeline.prepare(corpus, work or out / "work", choi, hybrids, _print)
        outcome = pipeline.train(prepared, choi, _print)
    except (TrainingError, ExtractorError) as error:
        _print(f"error: {error}")
        raise typer.Exit(1) from error
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(130) from interrupt
    _write(out, outcome, prepared.corpus.album, f"make train CORPUS=DIR  # {hybrids} hybrids")


def main() -> None:
    """Run the command line."""
    with escaped_tracebacks():
        app()


def _write(out: Path, outcome: TrainingResult, albums: NDArray[np.str_], command: str) -> None:
    from soundalike.research.training import curves, report
    from soundalike.research.training.trial import CHOI_CLIPS

    (out / soundalike_1.FILE).write_bytes(outcome.weights_file)
    made = soundalike_1.parse(outcome.weights_file)
    outcome.projection.save(out / f"{model_id(made.weights, made.statistics)}.npz")
    page = report.as_markdown(outcome.precisions, outcome.validations, albums, outcome.recipe, command)
    (out / "RESULTS.md").write_text(page, encoding="utf-8")
    numbers = report.as_json(outcome.precisions, outcome.validations, albums, outcome.recipe)
    (out / "results.json").write_text(numbers, encoding="utf-8")
    curves.draw_losses(out / "losses.png", outcome.precisions.losses)
    curves.draw_validation(out / "validation.png", outcome.validations)
    curves.draw_gains(out / "gains.png", report.gains(outcome.precisions, albums, CHOI_CLIPS), CHOI_CLIPS)
    echo_document(page)


def _print(text: str) -> None:
    print_line(console, text)
