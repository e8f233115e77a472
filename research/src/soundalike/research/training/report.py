"""What came out, as a page and as numbers."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from soundalike.research.training.album_precision import PrecisionEstimate, mean_of_albums, mean_precision
from soundalike.research.training.trial import CHOI_CLIPS, CHOI_CROPS, CHOI_TRAINED_PROJECTION, OURS_TRAINED_PROJECTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundalike.research.training.recipes import Recipe
    from soundalike.research.training.trial import SystemPrecisions, Validation

BASELINES: Final = (CHOI_CLIPS, CHOI_CROPS, CHOI_TRAINED_PROJECTION)
_PROTOCOL: Final = (
    "Every album is judged by a network that learnt from other albums, with a recipe chosen on yet others, and looks "
    "for its tracks among all held-out tracks of its part (or among all tracks). Intervals are 95 % bootstraps over "
    "albums."
)


def gains(precisions: SystemPrecisions, albums: NDArray[np.str_], baseline: str) -> dict[str, PrecisionEstimate]:
    """Return each system's paired difference from `baseline`, both judged among the same tracks."""
    suffix = baseline.partition(" (")[2]
    return {
        name: mean_precision(precision - precisions.of[baseline], albums)
        for name, precision in precisions.of.items()
        if name != baseline and name.partition(" (")[2] == suffix
    }


def as_json(
    precisions: SystemPrecisions, validations: Sequence[Validation], albums: NDArray[np.str_], recipe: Recipe
) -> str:
    """Return every number."""
    content: dict[str, Any] = {
        "recipe": asdict(recipe),
        "systems": {
            name: {
                "map": asdict(mean_precision(precision, albums)),
                "of_albums": asdict(mean_of_albums(precision, albums)),
            }
            for name, precision in precisions.of.items()
        },
        "differences": {
            baseline: {name: asdict(gain) for name, gain in gains(precisions, albums, baseline).items()}
            for baseline in BASELINES
        },
        "validations": [asdict(one) for one in validations],
    }
    return json.dumps(content, indent=1) + "\n"


def as_markdown(
    precisions: SystemPrecisions,
    validations: Sequence[Validation],
    albums: NDArray[np.str_],
    recipe: Recipe,
    command: str,
) -> str:
    """Return the tables of a page."""
    lines = [
        "# Training soundalike-1",
        "",
        f"{len(albums)} tracks in {len(set(albums.tolist()))} albums. {_PROTOCOL}",
        "",
        "| system | album MAP | mean of albums | against half-whitened on clips | against half-whitened on crops |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, precision in precisions.of.items():
        suffix = name.partition(" (")[2]
        versus = [f"{one} ({suffix}" if suffix else one for one in (CHOI_CLIPS, CHOI_CROPS)]
        differences = [mean_precision(precision - precisions.of[one], albums) for one in versus]
        lines.append(
            f"| {name} | {_plain(mean_precision(precision, albums))} | {_plain(mean_of_albums(precision, albums))} "
            f"| {differences[0]} | {differences[1]} |"
        )
    over_learnt = mean_precision(
        precisions.of[OURS_TRAINED_PROJECTION] - precisions.of[CHOI_TRAINED_PROJECTION], albums
    )
    lines += [
        "",
        f"What the network adds to a projection learnt in the same way: {over_learnt}.",
        "",
        "| recipe | mean gain on validation albums |",
        "| --- | --- |",
    ]
    for name in dict.fromkeys(one.recipe for one in validations):
        mean = np.mean([one.precision - one.baseline for one in validations if one.recipe == name])
        lines.append(f"| {name} | {mean:+.4f} |")
    lines += [
        "",
        f"The shipped network learnt from all albums by the recipe `{recipe.name}`.",
        "Its projection is half-whitening, fitted on the clips.",
        "",
        f"    {command}",
        "",
    ]
    return "\n".join(lines)


def _plain(estimate: PrecisionEstimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
