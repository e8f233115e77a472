"""The models that turn audio into vectors; at most one is current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.db import embeddings

if TYPE_CHECKING:
    from datetime import datetime

    from soundalike.db.database import Connection, Executor

MAX_ADOPTED_MS: Final = 60_000
"""Of longer files a model and its predecessor analyse different parts."""


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """One way of turning audio into vectors; vectors of two models are never compared.

    `mean_tag_probabilities` [50] is the probability of each tag (`domain.tags`) that the model gives music on average,
    None for a model without tags.
    """

    model: str
    dimensions: int
    mean_tag_probabilities: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model that an extractor has had; the `current` one is in use."""

    model: str
    dimensions: int
    current: bool
    registered_at: datetime


_REGISTERED = "SELECT model, dimensions, current, registered_at FROM models ORDER BY current DESC, registered_at DESC"

_CURRENT = "SELECT model, dimensions, usual_tags AS mean_tag_probabilities FROM models WHERE current"

_ADD = """
INSERT INTO models (model, dimensions, usual_tags) VALUES ($1, $2, $3)
ON CONFLICT (model) DO UPDATE SET dimensions = EXCLUDED.dimensions, usual_tags = EXCLUDED.usual_tags
"""

_UNSET_CURRENT = "UPDATE models SET current = false WHERE current AND model <> $1"

_SET_CURRENT = "UPDATE models SET current = true WHERE model = $1"

# Previews are short, so a catalogue of previews need not be fetched again; the vectors of before stay for a way back.
_ADOPT = f"""
INSERT INTO embeddings
    (urn, model, vector, tag_probabilities, object_key, sequencer, audio_sha256, seconds_heard, extracted_at)
SELECT e.urn, $1, e.vector, e.tag_probabilities, e.object_key, e.sequencer, e.audio_sha256, e.seconds_heard,
    e.extracted_at
FROM embeddings e JOIN tracks t USING (urn)
WHERE e.model = $2 AND (t.source <> 'file' OR t.duration_ms <= {MAX_ADOPTED_MS})
ON CONFLICT (urn, model) DO NOTHING
"""  # noqa: S608 - a constant of this module

# `ready` means: has an embedding of the current model. The audio behind another model's embeddings is deleted, so the
# next crawl has to fetch it.
_MARK_PENDING = """
UPDATE tracks SET state = 'pending', updated_at = now(),
       reason = 'analysed by another model only; the next crawl fetches its preview again'
WHERE state = 'ready' AND NOT EXISTS (SELECT FROM embeddings e WHERE e.urn = tracks.urn AND e.model = $1)
"""

# Going back to a model whose vectors are still there needs no crawl.
_MARK_READY = """
UPDATE tracks SET state = 'ready', reason = NULL, updated_at = now()
WHERE state = 'pending' AND EXISTS (SELECT FROM embeddings e WHERE e.urn = tracks.urn AND e.model = $1)
"""


async def current(db: Executor) -> EmbeddingModel | None:
    """Return the model in use, or None before the first extractor registered one."""
    row = await db.fetchrow(_CURRENT)
    if row is None:
        return None
    mean = row["mean_tag_probabilities"]
    return EmbeddingModel(row["model"], row["dimensions"], tuple(mean) if mean else None)


async def registered(db: Executor) -> list[RegisteredModel]:
    """List the models, the current one first, then the newest."""
    return [RegisteredModel(**row) for row in await db.fetch(_REGISTERED)]


async def register(db: Connection, model: EmbeddingModel, *, predecessor: str | None = None) -> None:
    """Make `model` the current one; every track without an embedding of it is pending again.

    Of its predecessor, a model that gives recordings of up to a minute the same vectors, it takes over these.
    """
    async with db.transaction():
        await db.execute("LOCK TABLE models IN EXCLUSIVE MODE")
        before = await current(db)
        await db.execute(_ADD, model.model, model.dimensions, model.mean_tag_probabilities)
        if before is None or before.model != model.model:
            await db.execute(_UNSET_CURRENT, model.model)
            await db.execute(_SET_CURRENT, model.model)
            if predecessor is not None:
                await embeddings.lock_sequence(db)
                await db.execute(_ADOPT, model.model, predecessor)
            await db.execute(_MARK_PENDING, model.model)
            await db.execute(_MARK_READY, model.model)
