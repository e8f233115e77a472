"""Settings of the indexer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from soundalike.indexer.schedule import Thresholds
from soundalike.settings import DatabaseSettings, StoreSettings
from soundalike.similarity.index.builder import BuildParameters
from soundalike.similarity.index.engine import EngineName
from soundalike.similarity.taste.cooccurrence import CooccurrenceParameters
from soundalike.similarity.taste.manifest import Method


class IndexerSettings(DatabaseSettings, StoreSettings):
    """How and when the index is built, and the recall that it needs to be published."""

    index_engine: EngineName = "annoy"
    index_search_dimensions: Annotated[int, Field(ge=1, le=65_536)] = 64
    index_trees: Annotated[int, Field(ge=1, le=1000)] = 50
    index_connectivity: Annotated[int, Field(ge=2, le=256)] = 24
    index_expansion: Annotated[int, Field(ge=8, le=4096)] = 128
    index_seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    index_jobs: Annotated[int, Field(ge=1, le=256)] = 1
    index_minimum_recall: Annotated[float, Field(ge=0.5, le=1.0)] = 0.98
    index_fit_rows: Annotated[int, Field(ge=1_000, le=10_000_000)] = 200_000
    index_poll_s: Annotated[float, Field(gt=0, le=3600)] = 2.0
    index_settle_s: Annotated[float, Field(ge=0, le=3600)] = 5.0
    index_max_age_s: Annotated[float, Field(gt=0)] = 600.0
    index_most_tail_rows: Annotated[int, Field(ge=1_000, le=1_000_000)] = 20_000
    index_forget_s: Annotated[float, Field(gt=0)] = 86_400.0
    index_work_dir: Path | None = None
    index_keep_versions: Annotated[int, Field(ge=1, le=1000)] = 3
    taste_method: Method = "bm25"
    taste_neighbours: Annotated[int, Field(ge=10, le=1000)] = 100
    taste_fewest: Annotated[int, Field(ge=2)] = 1_000
    taste_growth: Annotated[float, Field(gt=0, le=10)] = 0.10
    taste_max_age_s: Annotated[float, Field(gt=0)] = 86_400.0
    taste_poll_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    heartbeat_file: Path | None = None

    @property
    def thresholds(self) -> Thresholds:
        """When a new version is due."""
        return Thresholds(
            settle_s=self.index_settle_s,
            max_age_s=self.index_max_age_s,
            max_rows=self.index_most_tail_rows,
            forget_s=self.index_forget_s,
        )

    @property
    def build_parameters(self) -> BuildParameters:
        """How it is built."""
        return BuildParameters(
            engine=self.index_engine,
            search_dimensions=self.index_search_dimensions,
            trees=self.index_trees,
            connectivity=self.index_connectivity,
            expansion=self.index_expansion,
            seed=self.index_seed,
            jobs=self.index_jobs,
            recall_goal=self.index_minimum_recall,
        )

    @property
    def taste_parameters(self) -> CooccurrenceParameters:
        """How taste is built."""
        return CooccurrenceParameters(method=self.taste_method, neighbours=self.taste_neighbours, jobs=self.index_jobs)
