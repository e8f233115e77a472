"""From SoundCloud's replies to a model in one scikit-learn Pipeline: it tells which tracks somebody will like.

    python core/examples/who_will_like_it.py

The tracks are those of the sandbox's invented SoundCloud, as its API sends them. The question is asked of the account
with the most likes; every track is judged by a model that was not fitted on it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from soundalike.sandbox.soundcloud_replies import SoundCloudReplies
from soundalike.sandbox.soundcloud_world import TasteWorld, WorldSize, make_world
from soundalike.transformers.counts import DailyRates, LogCounts
from soundalike.transformers.dates import Dates
from soundalike.transformers.durations import Durations
from soundalike.transformers.genres import Genres
from soundalike.transformers.tag_lists import TagLists
from soundalike.transformers.texts import Texts

COUNTS: Final = ["playback_count", "favoritings_count", "reposts_count", "comment_count"]


def tracks_of(world: TasteWorld) -> pd.DataFrame:
    """Return what SoundCloud sends of every public track, a row each."""
    replies = SoundCloudReplies(world, "https://api.soundcloud.com/")
    return pd.DataFrame([replies.track(track) for track in np.flatnonzero(~world.is_private)])


def likes_of(world: TasteWorld, user: int) -> np.ndarray:
    """Return whether an account likes each public track, bool [n]."""
    liked = np.zeros(world.size.tracks, dtype=bool)
    liked[world.tracks_of[user]] = True
    return liked[~world.is_private]


def pipeline(columns: ColumnTransformer) -> Pipeline:
    """Return a Pipeline of these features and a logistic regression."""
    filled = SimpleImputer(strategy="median", keep_empty_features=True)
    model = LogisticRegression(C=0.1, max_iter=2_000, class_weight="balanced")
    return make_pipeline(columns, filled, StandardScaler(), model)


def popularity() -> ColumnTransformer:
    """Return the features that say no more than how much everybody likes a track."""
    return ColumnTransformer([("counts", LogCounts(), COUNTS)])


def everything() -> ColumnTransformer:
    """Return all features that SoundCloud's reply gives."""
    return ColumnTransformer(
        [
            ("tags", TagLists(min_count=20), ["tag_list"]),
            ("genre", Genres(min_count=20), ["genre"]),
            ("counts", LogCounts(), COUNTS),
            ("rates", DailyRates(since="created_at"), [*COUNTS, "created_at"]),
            ("duration", Durations(), ["duration"]),
            ("date", Dates(), ["created_at"]),
            ("title", Texts(ngrams=32), ["title"]),
        ]
    )


def judge(columns: ColumnTransformer, tracks: pd.DataFrame, liked: np.ndarray) -> float:
    """Return the area under the ROC curve, each track judged by a model that was not fitted on it."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    chances = cross_val_predict(pipeline(columns), tracks, liked, cv=folds, method="predict_proba")
    return float(roc_auc_score(liked, chances[:, 1]))


def telling(tracks: pd.DataFrame, liked: np.ndarray, most: int = 5) -> pd.Series:
    """Return the features that speak most for a like, with their weights."""
    fitted = pipeline(everything()).fit(tracks, liked)
    weights = pd.Series(fitted[-1].coef_[0], index=fitted[0].get_feature_names_out())
    return weights.sort_values(ascending=False).head(most)


def main(size: WorldSize | None = None) -> None:
    """Print what was found."""
    world = make_world(size or WorldSize(users=2_000, tracks=1_000, likes=60_000))
    user = int(np.argmax([len(liked) for liked in world.tracks_of]))
    tracks, liked = tracks_of(world), likes_of(world, user)
    print(f"{len(tracks)} tracks, of which the account likes {liked.sum()}")
    print(f"features: {pipeline(everything()).fit(tracks, liked)[0].get_feature_names_out().size}")
    print(f"area under the ROC curve, by popularity alone: {judge(popularity(), tracks, liked):.3f}")
    print(f"area under the ROC curve, by everything:       {judge(everything(), tracks, liked):.3f}")
    print("strongest signs of a like:")
    for name, weight in telling(tracks, liked).items():
        print(f"  {weight:+.2f}  {name}")


if __name__ == "__main__":
    main()
