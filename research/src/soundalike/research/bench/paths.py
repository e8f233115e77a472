"""The ways from a file's content to a vector that are compared, and the parts of ours."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soundfile

from soundalike.audio.decode import decode, read_excerpts, resample
from soundalike.audio.decoder_pool import DecoderPool
from soundalike.audio.isolate import IsolatedDecoder
from soundalike.audio.mixdown import mix_down
from soundalike.extractor.embedder import EmbedderPool
from soundalike.extractor.model import Model
from soundalike.extractor.models.registry import ModelChoice, load_model
from soundalike.extractor.spectrogram import decibels, fit_length
from soundalike.extractor.tensorflow_network import ReferenceNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BASELINE: Final = "decode alone"
OURS: Final = "ours, end to end"
TENSORFLOW: Final = "the same with TensorFlow"
PUBLISHED: Final = "the published way"
PORT: Final = "a plain Keras port"


def model() -> Model:
    """Return the network that comes with the extractor."""
    return load_model(ModelChoice())


class TensorFlowEmbedder:
    """Does the same as `EmbedderPool`, with the network in TensorFlow."""

    def __init__(self, model: Model) -> None:
        self.network = ReferenceNetwork(model.weights, model.statistics)
        self._decoder = IsolatedDecoder()

    def embed(self, mp3: bytes) -> NDArray[np.float32]:
        """Return float32 [160] for a file's content."""
        hashlib.sha256(mp3).hexdigest()
        vectors = self.network(fit_length(self._decoder.decode(mp3).samples, repeat=True)[np.newaxis])
        return np.asarray(vectors[0])

    def close(self) -> None:
        """End the decoder."""
        self._decoder.close()


def embedder(path: str) -> tuple[Callable[[bytes], Any], Callable[[], None]]:
    """Return the function of `path`, which takes a file's content, and the one that closes it."""
    if path == BASELINE:
        return decode_alone, lambda: None
    if path == TENSORFLOW:
        other = TensorFlowEmbedder(model())
        return other.embed, other.close
    pool = EmbedderPool(model(), DecoderPool(1))
    return pool.embed_blocking, pool.close


def decode_alone(mp3: bytes) -> NDArray[np.float32]:
    """Decode a file's content to float32 [n, 2], nothing else."""
    frames, _ = soundfile.read(io.BytesIO(mp3), dtype="float32", always_2d=True)
    return np.asarray(frames)


def without_length(mp3: bytes) -> bytes:
    """Return an MP3 without its first frame, the one that says how long it is and holds no sound."""
    start = mp3.index(b"\xff\xfb")
    return mp3[mp3.index(b"\xff\xfb", start + 4) :]


def ours(mp3: bytes, network_model: Model) -> dict[str, Callable[[], Any]]:
    """Return our path as the extractor runs it, and its parts."""
    pool = EmbedderPool(network_model, DecoderPool(1))
    other = TensorFlowEmbedder(network_model)
    isolated = IsolatedDecoder()
    stereo = decode_alone(mp3)
    mono, nameless = mix_down(stereo, 44_100), without_length(mp3)
    clip = decode(mp3).samples
    filled = fit_length(clip, repeat=True)
    return {
        OURS: lambda: pool.embed_blocking(mp3),
        TENSORFLOW: lambda: other.embed(mp3),
        "- decode and check": lambda: read_excerpts(mp3),
        "- average channels": lambda: mix_down(stereo, 44_100),
        "- resample (soxr HQ)": lambda: resample(mono, 44_100),
        "- all of these": lambda: decode(mp3),
        "- all of these, isolated process": lambda: isolated.decode(mp3),
        "- all of these, MP3 without its length": lambda: decode(nameless),
        "- log-mel": lambda: decibels(filled),
        "- log-mel and network": lambda: network_model.embed([clip]),
        "- log-mel and network (TensorFlow)": lambda: other.network(filled[np.newaxis]),
    }


def baselines(mp3: bytes, network_model: Model) -> dict[str, Callable[[], NDArray[np.float32]]]:
    """Return the published way and a plain port, with the weights of our model."""
    from soundalike.research.bench.baselines import PlainPort, PublishedWay

    fixed = network_model.statistics
    if fixed is None:
        raise ValueError("the port normalises by fixed statistics")
    port, published = PlainPort(network_model.weights, fixed), PublishedWay(network_model.weights)
    return {PORT: lambda: port(mp3), PUBLISHED: lambda: published(mp3)}


def check(mp3: bytes, network_model: Model) -> dict[str, float]:
    """Return how far the vectors of the other ways are from ours (cosine): they all compute the same thing."""
    others = baselines(mp3, network_model)
    clip = [decode(mp3).samples]
    by_clip = Model(network_model.weights, None)
    return {
        PORT: _cosine(others[PORT](), network_model.embed(clip).vectors[0]),
        PUBLISHED: _cosine(others[PUBLISHED](), by_clip.embed(clip).vectors[0]),
    }


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
