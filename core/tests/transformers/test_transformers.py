"""The transformers of DataFrame columns: what they make, and that they are at home in a Pipeline."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from soundalike.transformers.counts import DailyRates, LogCounts
from soundalike.transformers.dates import Dates
from soundalike.transformers.durations import Durations
from soundalike.transformers.genres import Genres, folded_genre
from soundalike.transformers.interactions import Interactions
from soundalike.transformers.tag_lists import TagLists
from soundalike.transformers.texts import Texts
from soundalike.transformers.vector_columns import VectorColumns

if TYPE_CHECKING:
    from collections.abc import Callable

FRAME = pd.DataFrame(
    {
        "tag_list": ['techno "Deep House"', 'techno "deep  house" #Berlin', None, ""],
        "genre": ["Drum & Bass", "DnB", None, "Chiptune"],
        "title": ["Night Drive", "夜に駆ける", None, "ABC 123"],
        "published_at": ["2019-01-15T15:40:49Z", "2026/06/01 00:00:00 +0000", None, "2026-06-11"],
        "counted_at": ["2026-06-11"] * 4,
        "plays": [0, 1000, None, 10],
        "likes": [0, 10, 5, None],
        "duration": [30_000, 180_000, None, 3_600_000],
        "embedding": [[1.0, 2.0], (3.0, 4.0), None, np.array([5.0, 6.0])],
    }
)

EVERY: list[tuple[Any, list[str]]] = [
    (TagLists(min_count=1), ["tag_list"]),
    (Genres(min_count=1), ["genre"]),
    (Texts(ngrams=8), ["title", "genre"]),
    (Dates(), ["published_at"]),
    (LogCounts(), ["plays", "likes"]),
    (DailyRates(), ["plays", "likes", "published_at"]),
    (Durations(), ["duration"]),
    (VectorColumns(), ["embedding"]),
]
each = pytest.mark.parametrize(("transformer", "columns"), EVERY, ids=[type(one).__name__ for one, _ in EVERY])


@parametrize_with_checks([LogCounts(), Durations(), Genres(), Texts(ngrams=4)])
@pytest.mark.filterwarnings("default")
def test_transformers_of_any_cell_keep_the_rules_of_scikit_learn(estimator: Any, check: Callable[..., None]) -> None:
    check(estimator)


@each
def test_names_fit_what_is_made(transformer: Any, columns: list[str]) -> None:
    made = transformer.fit_transform(FRAME[columns])
    names = transformer.get_feature_names_out()
    assert made.shape == (len(FRAME), len(names))
    assert len(set(names)) == len(names)
    as_frame = clone(transformer).set_output(transform="pandas").fit_transform(FRAME[columns])
    assert list(as_frame.columns) == list(names)
    assert as_frame.index.equals(FRAME.index)
    np.testing.assert_array_equal(as_frame.to_numpy(), made)


@each
def test_a_clone_starts_afresh_and_a_pickle_goes_on(transformer: Any, columns: list[str]) -> None:
    expected = transformer.fit(FRAME[columns]).transform(FRAME[columns])
    with pytest.raises(NotFittedError):
        clone(transformer).transform(FRAME[columns])
    assert clone(transformer).get_params() == transformer.get_params()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(transformer)).transform(FRAME[columns]), expected)  # noqa: S301


@each
def test_one_row_is_transformed_like_many(transformer: Any, columns: list[str]) -> None:
    whole = transformer.fit(FRAME[columns]).transform(FRAME[columns])
    np.testing.assert_array_equal(transformer.transform(FRAME[columns].iloc[[1]]), whole[[1]])


@each
def test_other_columns_than_learnt_are_refused(transformer: Any, columns: list[str]) -> None:
    transformer.fit(FRAME[columns])
    with pytest.raises(ValueError, match=r"feature names|no column"):
        transformer.transform(FRAME[columns].rename(columns=dict.fromkeys(columns[-1:], "something else")))


def test_tags_of_several_words_and_any_case_are_one() -> None:
    made = TagLists(min_count=2).set_output(transform="pandas").fit_transform(FRAME[["tag_list"]])
    assert made.to_dict("list") == {
        "tag_list_deep house": [1.0, 1.0, 0.0, 0.0],
        "tag_list_techno": [1.0, 1.0, 0.0, 0.0],
        "tag_list_others": [0.0, 1.0, 0.0, 0.0],
    }


def test_lists_of_tags_are_taken_as_they_are() -> None:
    made = (
        TagLists(min_count=1).set_output(transform="pandas").fit_transform(pd.DataFrame({"tags": [["Deep House"], []]}))
    )
    assert list(made["tags_deep house"]) == [1.0, 0.0]
    with pytest.raises(TypeError, match="a text or a list"):
        TagLists().fit(pd.DataFrame({"tags": [5]}))


def test_rare_tags_are_counted_together_and_sparse_is_the_same() -> None:
    dense = TagLists(min_count=1, max_tags=1).fit_transform(FRAME[["tag_list"]])
    thin = TagLists(min_count=1, max_tags=1, sparse_output=True).fit_transform(FRAME[["tag_list"]])
    assert sparse.issparse(thin)
    np.testing.assert_array_equal(thin.toarray(), dense)
    np.testing.assert_array_equal(dense, [[1, 1], [1, 2], [0, 0], [0, 0]])


@pytest.mark.parametrize(
    ("texts", "genre"),
    [
        (["Drum & Bass", "drum n bass", "DnB", "Drum'n'Bass", "drum and bass", "D&B"], "drum&bass"),
        (["Hip-hop & Rap", "hip hop", "HipHop", "Rap"], "hip hop"),
        (["R&B & Soul", "r n b", "RnB"], "rnb"),
        (["Électronique", "electronique"], "electronique"),
        (["ロック"], "ロック"),
        ([None, "", "  ", "-", float("nan")], ""),
    ],
)
def test_genres_are_folded(texts: list[Any], genre: str) -> None:
    assert {folded_genre(text) for text in texts} == {genre}


def test_every_track_has_one_genre() -> None:
    made = Genres(min_count=2).set_output(transform="pandas").fit_transform(FRAME[["genre"]])
    assert list(made.columns) == ["genre_drum&bass", "genre_other", "genre_unknown"]
    np.testing.assert_array_equal(made, [[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]])


def test_rates_count_from_publication_and_at_least_one_day() -> None:
    columns = ["published_at", "counted_at", "plays", "likes"]
    made = DailyRates(until="counted_at").set_output(transform="pandas").fit_transform(FRAME[columns])
    assert list(made.columns) == ["plays_per_day", "likes_per_day"]
    np.testing.assert_allclose(made["plays_per_day"], [0.0, np.log1p(100.0), np.nan, np.log1p(10.0)])
    np.testing.assert_allclose(made["likes_per_day"], [0.0, np.log1p(1.0), np.nan, np.nan])


@pytest.mark.parametrize("transformer", [LogCounts(), Durations(), DailyRates(until="published_at")])
def test_numbers_below_zero_are_refused(transformer: Any) -> None:
    frame = pd.DataFrame({"plays": [-1.0, 2.0], "published_at": "2026-01-01"})
    columns = ["plays", "published_at"] if isinstance(transformer, DailyRates) else ["plays"]
    transformer.fit(frame[columns].assign(plays=1.0))
    with pytest.raises(ValueError, match="Negative"):
        transformer.transform(frame[columns])


def test_lengths() -> None:
    made = Durations().set_output(transform="pandas").fit_transform(FRAME[["duration"]])
    np.testing.assert_allclose(made["duration_log2_minutes"], [-1.0, np.log2(3.0), np.nan, np.log2(60.0)])
    np.testing.assert_array_equal(made["duration_short"], [1.0, 0.0, np.nan, 0.0])
    np.testing.assert_array_equal(made["duration_long"], [0.0, 0.0, np.nan, 1.0])


def test_dates_are_as_old_as_the_latest_makes_them() -> None:
    transformer = Dates().set_output(transform="pandas").fit(FRAME[["published_at"]])
    made = transformer.transform(FRAME[["published_at"]])
    assert made["published_at_log_age_days"].iloc[3] == 0.0
    assert made["published_at_log_age_days"].iloc[1] == pytest.approx(np.log1p(10.0))
    assert made.iloc[2].isna().all()
    later = transformer.transform(pd.DataFrame({"published_at": ["2030-01-01"]}))
    assert later["published_at_log_age_days"].iloc[0] == 0.0
    np.testing.assert_allclose(
        made["published_at_week_sin"] ** 2 + made["published_at_week_cos"] ** 2, [1, 1, np.nan, 1]
    )


def test_texts_of_any_language_have_a_shape_and_letters() -> None:
    made = Texts(ngrams=32).set_output(transform="pandas").fit_transform(FRAME[["title"]])
    assert made.loc[3, "title_digits"] == pytest.approx(3 / 7)
    assert made.loc[3, "title_capitals"] == pytest.approx(3 / 7)
    ngrams = made.filter(like="ngram")
    assert (ngrams.loc[[0, 1, 3]].abs().sum(axis=1) > 0).all()
    assert made.loc[2].eq(0.0).all()


@pytest.mark.parametrize(
    ("column", "message"),
    [([[1.0], [1.0, 2.0]], "found 1, 2"), ([None, None], "found none"), ([[[1.0]]], "not an array of 2 dimensions")],
)
def test_vectors_of_one_column_are_equally_long(column: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VectorColumns().fit(pd.DataFrame({"embedding": column}))


def test_a_missing_vector_gives_missing_numbers() -> None:
    made = VectorColumns().fit_transform(FRAME[["embedding"]])
    np.testing.assert_array_equal(made, [[1, 2], [3, 4], [np.nan, np.nan], [5, 6]])


def test_favourites_become_a_matrix_of_users_by_tracks() -> None:
    pairs = pd.DataFrame({"user": ["b", "a", "b", "b"], "track": ["t1", "t2", "t2", "t1"]})
    transformer = Interactions().fit(pairs)
    made = transformer.transform(pairs)
    np.testing.assert_array_equal(made.toarray(), [[0, 1], [1, 1]])
    assert list(transformer.users_) == ["a", "b"]
    assert list(transformer.get_feature_names_out()) == ["t1", "t2"]
    strangers = pd.DataFrame({"user": ["a", "zoe"], "track": ["t9", "t1"]})
    assert transformer.transform(strangers).nnz == 0
    assert make_pipeline(Interactions(), TruncatedSVD(1)).fit_transform(pairs).shape == (2, 1)
    with pytest.raises(ValueError, match="lacks"):
        Interactions().fit(pd.DataFrame({"user": ["a"], "track": [None]}))


def test_side_by_side_in_a_column_transformer() -> None:
    together = make_column_transformer(*EVERY).set_output(transform="pandas")
    made = together.fit_transform(FRAME)
    assert made.shape[1] == sum(one.fit(FRAME[columns]).transform(FRAME[columns]).shape[1] for one, columns in EVERY)
