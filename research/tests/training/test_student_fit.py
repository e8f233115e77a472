from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is installed only where soundalike-1 is trained")

from soundalike.research.training import trial  # noqa: E402
from soundalike.research.training.crops import Crops, crop_starts, teacher_mean  # noqa: E402
from soundalike.research.training.mixtures import Hybrids  # noqa: E402
from soundalike.research.training.recipes import CANDIDATES, Recipe  # noqa: E402
from soundalike.research.training.student import Student  # noqa: E402
from soundalike.research.training.student_fit import fit  # noqa: E402
from soundalike.research.training.training_set import TrainingSet, embed_crops  # noqa: E402
from soundalike.research.training.trial import Validation, select_recipe  # noqa: E402

QUICK = Recipe("quick", steps=8, batch=24, frozen=2)


@pytest.fixture(scope="module")
def choi(make_network: Any) -> Student:
    return Student.of_choi(*make_network(1))


@pytest.fixture(scope="module")
def training_set(choi: Student) -> TrainingSet:
    random = np.random.default_rng(0)

    def crops(count: int) -> Crops:
        return Crops(
            early=random.normal(size=(20, count, 64)).astype(np.float32),
            values=random.normal(size=(20, count, 32, 16, 85)).astype(np.float16),
            teacher=random.normal(size=(20, count, 753)).astype(np.float32),
        )

    hybrids = Hybrids(
        early=random.normal(size=(24, 64)).astype(np.float32),
        values=random.normal(size=(24, 32, 16, 85)).astype(np.float16),
        teacher=random.normal(size=(24, 753)).astype(np.float32),
        part=np.arange(24) % 4,
    )
    return TrainingSet.of(crops(3), crops(1), hybrids, np.repeat(np.array(list("abcdefghij")), 2), choi)


@pytest.fixture(scope="module")
def depths(choi: Student, training_set: TrainingSet) -> dict[int, TrainingSet]:
    return dict(trial.depths_for(CANDIDATES, choi, training_set))


def test_the_loss_falls_and_frozen_blocks_stay(choi: Student, training_set: TrainingSet) -> None:
    fitted = fit(replace(QUICK, steps=40), choi, training_set, np.arange(16), np.arange(16))
    assert np.mean(fitted.losses[-5:]) < 0.9 * np.mean(fitted.losses[:5])
    changed = [not torch.equal(one, other) for one, other in zip(fitted.student.kernels, choi.kernels, strict=True)]
    assert changed == [False, False, True, True, True]
    assert (fitted.projection.input_dimensions, fitted.projection.exponent) == (160, 0.25)


def test_the_same_seed_gives_the_same_network(choi: Student, training_set: TrainingSet) -> None:
    one, other = (fit(QUICK, choi, training_set, np.arange(16), np.arange(16)) for _ in range(2))
    assert one.losses == other.losses
    assert all(torch.equal(a, b) for a, b in zip(one.student.kernels, other.student.kernels, strict=True))
    np.testing.assert_array_equal(one.projection.components, other.projection.components)


@pytest.mark.parametrize("recipe", CANDIDATES, ids=lambda recipe: recipe.name)
def test_held_out_music_has_no_influence(choi: Student, depths: dict[int, TrainingSet], recipe: Recipe) -> None:
    training_set = depths[recipe.frozen]

    def poisoned(array: np.ndarray, valid: int) -> np.ndarray:
        changed = array.copy()
        changed[valid:] = np.nan
        return changed

    ruined = replace(
        training_set,
        crops=Crops(
            *(
                poisoned(a, 16)
                for a in (training_set.crops.early, training_set.crops.values, training_set.crops.teacher)
            )
        ),
        choi=poisoned(training_set.choi, 16),
        choi_hybrids=poisoned(training_set.choi_hybrids, 18),
        hybrids=Hybrids(
            *(
                poisoned(a, 18)
                for a in (training_set.hybrids.early, training_set.hybrids.values, training_set.hybrids.teacher)
            ),
            part=training_set.hybrids.part,
        ),
    )
    quick = replace(recipe, steps=4, batch=24)
    whole = fit(quick, choi, training_set, np.arange(16), np.arange(18))
    assert fit(quick, choi, ruined, np.arange(16), np.arange(18)).losses == whole.losses
    assert np.isfinite(whole.losses).all()


def test_with_every_block_frozen_only_the_projection_is_learnt(choi: Student, depths: dict[int, TrainingSet]) -> None:
    fitted = fit(replace(QUICK, frozen=5), choi, depths[5], np.arange(16), np.arange(16))
    assert all(torch.equal(a, b) for a, b in zip(fitted.student.kernels, choi.kernels, strict=True))
    assert np.abs(fitted.projection.components - fitted.initial_projection.components).max() > 1e-3


def test_going_on_to_a_later_block_changes_no_vector(choi: Student, depths: dict[int, TrainingSet]) -> None:
    tracks = np.arange(20)
    for number, training_set in depths.items():
        assert training_set.crops.early.shape[2] == 32 * number
        np.testing.assert_allclose(embed_crops(choi, training_set.crops, tracks), depths[2].choi, rtol=1e-2, atol=1e-2)
        np.testing.assert_allclose(embed_crops(choi, training_set.clips, tracks)[:, 0], depths[2].choi_clips, atol=1e-2)


def test_a_part_of_the_way_lies_between_beginning_and_end(choi: Student, training_set: TrainingSet) -> None:
    whole = fit(QUICK, choi, training_set, np.arange(16), np.arange(16))
    half, none = whole.interpolate(0.5), whole.interpolate(0.0)
    first, last = whole.initial_projection.components, whole.projection.components
    np.testing.assert_allclose(half.projection.components, (first + last) / 2)
    np.testing.assert_array_equal(none.projection.components, first)
    assert all(torch.equal(a, b) for a, b in zip(none.student.kernels, choi.kernels, strict=True))
    assert not torch.equal(half.student.kernels[4], whole.student.kernels[4])
    assert whole.interpolate(1.0).losses == whole.losses


def test_every_track_is_judged_by_networks_that_did_not_learn_from_it(
    choi: Student, depths: dict[int, TrainingSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = np.repeat(np.arange(4), [6, 6, 4, 4])
    trained_on: list[tuple[set[int], set[int]]] = []

    def recorded_fit(recipe, start, training_set, tracks, hybrids):  # type: ignore[no-untyped-def]
        trained_on.append(({int(part[t]) for t in tracks}, {int(training_set.hybrids.part[h]) for h in hybrids}))
        return fit(replace(recipe, steps=2, batch=16), start, training_set, tracks, hybrids)

    monkeypatch.setattr(trial, "fit", recorded_fit)
    recipes = [QUICK, replace(QUICK, name="half", way=0.5)]
    validations = trial.validate(recipes, choi, depths, part, lambda _: None)
    assert len(validations) == 24
    assert all(one.judged not in one.training_parts for one in validations)
    # Recipes that differ only in how far they go share what was learnt.
    assert len(trained_on) == 6
    precisions = trial.evaluate_recipes(recipes, validations, choi, depths, part, lambda _: None)
    assert [tracks for tracks, _ in trained_on[6:]] == [{0, 1, 2, 3} - {last} for last in range(4) for _ in range(2)]
    assert all(tracks == hybrids for tracks, hybrids in trained_on)
    assert all(np.isfinite(validations).all() for validations in precisions.of.values())


def test_a_part_has_no_say_in_the_choice_of_what_it_is_judged_by() -> None:
    one, other = replace(QUICK, name="one"), replace(QUICK, name="other")
    validations = [
        Validation("one", (0, 1), 2, 0.5, 0.4),
        Validation("other", (0, 1), 2, 0.4, 0.4),
        Validation("one", (0, 1), 3, 0.0, 0.4),
        Validation("other", (0, 1), 3, 0.9, 0.4),
    ]
    assert select_recipe([one, other], validations, without=3).name == "one"
    assert select_recipe([one, other], validations).name == "other"


def test_crops_spread_over_the_stretch_and_get_the_opinion_of_their_own_patches() -> None:
    begins = crop_starts(4359, 4, np.random.default_rng(0))
    assert all(quarter * 749 <= begin <= (quarter + 1) * 750 for quarter, begin in enumerate(begins))
    patches = np.arange(31, dtype=np.float32)[:, np.newaxis]
    # 140.25 frames a patch: a crop from frame 1402 on holds the middles of patches 10 to 18.
    np.testing.assert_allclose(teacher_mean(patches, 1402), [14.0], atol=0.51)
    np.testing.assert_allclose(teacher_mean(patches[:3], 0), [1.0])
