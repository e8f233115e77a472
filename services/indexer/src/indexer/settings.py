"""Settings of the indexer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from catalog.settings import DatabaseSettings, StoreSettings
from indexer.schedule import Thresholds
from space.building import BuildParameters


class IndexerSettings(DatabaseSettings, StoreSettings):
    """How the index is built, when, and below which recall it is not published."""

    index_trees: Annotated[int, Field(ge=1, le=1000)] = 50
    index_search_k: Annotated[int, Field(ge=10, le=10_000_000)] = 4_000
    index_seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    index_jobs: Annotated[int, Field(ge=1, le=256)] = 1
    index_minimum_recall: Annotated[float, Field(ge=0.5, le=1.0)] = 0.98
    index_fit_rows: Annotated[int, Field(ge=1_000, le=10_000_000)] = 200_000
    index_poll_s: Annotated[float, Field(gt=0, le=3600)] = 2.0
    index_settle_s: Annotated[float, Field(ge=0, le=3600)] = 5.0
    index_max_age_s: Annotated[float, Field(gt=0)] = 600.0
    index_keep_versions: Annotated[int, Field(ge=1, le=1000)] = 3
    heartbeat_file: Path | None = None

    @property
    def thresholds(self) -> Thresholds:
        """When a new version is due."""
        return Thresholds(settle_s=self.index_settle_s, max_age_s=self.index_max_age_s)

    @property
    def build_parameters(self) -> BuildParameters:
        """How it is built."""
        return BuildParameters(
            trees=self.index_trees,
            search_k=self.index_search_k,
            seed=self.index_seed,
            jobs=self.index_jobs,
            recall_goal=self.index_minimum_recall,
        )
