"""One preview to its embedding: from the bytes of the file to a vector."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from soundalike.audio.decoder_pool import DecoderPool
    from soundalike.extractor.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class PreviewEmbedding:
    """The embedding of a preview: `vector` float32 [160] of `seconds_analysed` s of the file with that checksum.

    `tags` float32 [50] are the probabilities of the tags, None where the model has none.
    """

    vector: NDArray[np.float32]
    audio_sha256: str
    seconds_analysed: float
    tags: NDArray[np.float32] | None = None


class Embedder(Protocol):
    """Turns the bytes of a preview into a vector."""

    @property
    def model_id(self) -> str:
        """The model the vectors belong to."""

    async def embed(self, data: bytes, *, accepts_beginning: bool = False) -> PreviewEmbedding:
        """Embed one preview, or what there is of a recording that ends early.

        Raises `audio.errors.PermanentAudioError` when that will never be possible.
        """


class EmbedderPool:
    """Embeds previews with one model, as many at a time as there are decoders."""

    def __init__(self, model: Model, decoders: DecoderPool) -> None:
        self._model = model
        self._decoders = decoders

    @property
    def model_id(self) -> str:
        """The model that the vectors belong to."""
        return self._model.id

    @property
    def predecessor_id(self) -> str:
        """The model that gives recordings of up to a minute the same vectors."""
        return self._model.predecessor_id

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return self._model.dimensions

    @property
    def mean_tag_probabilities(self) -> tuple[float, ...] | None:
        """The mean probability [50] of each tag over much music, where the model has tags."""
        means = self._model.mean_tag_probabilities
        return None if means is None else tuple(means.probabilities.tolist())

    async def embed(self, data: bytes, *, accepts_beginning: bool = False) -> PreviewEmbedding:
        """Embed the content of one audio file without blocking the event loop, as `embed_blocking` does."""
        embed = partial(self.embed_blocking, data, accepts_beginning=accepts_beginning)
        return await asyncio.get_running_loop().run_in_executor(self._decoders.threads, embed)

    def embed_blocking(self, data: bytes, *, accepts_beginning: bool = False) -> PreviewEmbedding:
        """Embed the content of one audio file, or with `accepts_beginning` what there is of one that ends early.

        Raises `audio.errors.PermanentAudioError` where that will never be possible (`VectorNotFinite` is one of these),
        and `audio.errors.TransientAudioError` where a retry may help.
        """
        excerpts = self._decoders.decode(data, accepts_beginning=accepts_beginning)
        embedding = self._model.embed_recording(excerpts.separate())
        return PreviewEmbedding(
            vector=embedding.vector,
            audio_sha256=hashlib.sha256(data).hexdigest(),
            seconds_analysed=excerpts.seconds,
            tags=embedding.tags,
        )

    def close(self) -> None:
        """End the decoder processes and the threads after their current previews."""
        self._decoders.threads.shutdown()
        self._decoders.close()
