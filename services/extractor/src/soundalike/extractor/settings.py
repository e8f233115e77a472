"""Settings of the extractor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from soundalike.extractor.models.registry import DEFAULT, ModelChoice, ModelName
from soundalike.settings import DatabaseSettings, QueueSettings


class ExtractorSettings(DatabaseSettings, QueueSettings):
    """Settings of one extractor process."""

    model: ModelName = DEFAULT
    choi_weights: Path | None = None
    model_cache: Path | None = None
    statistics: Literal["fixed", "clip"] = "fixed"
    concurrency: Annotated[int, Field(ge=1, le=10)] = 2
    poll_wait_s: Annotated[int, Field(ge=0, le=20)] = 20
    sweep_interval_s: Annotated[float, Field(ge=1)] = 60.0
    preview_max_bytes: Annotated[int, Field(ge=100_000)] = 30_000_000
    heartbeat_file: Path | None = None

    @property
    def model_choice(self) -> ModelChoice:
        """The model to load."""
        return ModelChoice(
            name=self.model,
            mode=self.statistics,
            choi_weights=self.choi_weights,
            model_cache=self.model_cache,
        )
