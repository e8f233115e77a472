"""Hearing one preview: its bytes to a vector."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from soundalike.audio.decoder_pool import DecoderPool
    from soundalike.extractor.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What was heard of a recording: `vector` float32 [160], over `seconds_heard` s of audio with that checksum.

    `tags` float32 [50] are the tags' probabilities, None where the model says none.
    """

    vector: NDArray[np.float32]
    audio_sha256: str
    seconds_heard: float
    tags: NDArray[np.float32] | None = None


class Listener(Protocol):
    """Turns the bytes of a preview into a vector."""

    @property
    def model_id(self) -> str:
        """The model the vectors belong to."""

    async def listen(self, data: bytes) -> Heard:
        """Hear one preview; raises `audio.errors.PermanentAudioError` when it can never be heard."""


class ListeningPool:
    """Hears previews with one model, as many at a time as there are decoders."""

    def __init__(self, model: Model, decoders: DecoderPool) -> None:
        self._model = model
        self._decoders = decoders

    @property
    def model_id(self) -> str:
        """The model that the vectors belong to."""
        return self._model.id

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return self._model.dimensions

    @property
    def usual_tags(self) -> tuple[float, ...] | None:
        """The probability [50] of each tag that the model gives music on average, where it says tags."""
        usual = self._model.usual_tags
        return None if usual is None else tuple(usual.probabilities.tolist())

    async def listen(self, data: bytes) -> Heard:
        """Hear the content of one audio file without holding up the event loop; raises as `hear`."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders.threads, self.hear, data)

    def hear(self, data: bytes) -> Heard:
        """Hear the content of one audio file.

        Raises `audio.errors.PermanentAudioError` where it can never be heard (`VectorNotFinite` is one of these), and
        `audio.errors.TransientAudioError` where trying again may help.
        """
        recording = self._decoders.decode(data)
        embedded = self._model.embed([recording.samples])
        return Heard(
            vector=embedded.vectors[0],
            audio_sha256=hashlib.sha256(data).hexdigest(),
            seconds_heard=recording.seconds,
            tags=None if embedded.tags is None else embedded.tags[0],
        )

    def close(self) -> None:
        """End the decoder processes and the threads, after what they are at."""
        self._decoders.threads.shutdown()
        self._decoders.close()
