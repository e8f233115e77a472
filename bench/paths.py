"""The paths from a file's content to a vector that are measured beside each other, and the parts of ours."""

from __future__ import annotations

import hashlib
import io
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soundfile

from audio import IsolatedDecoder, decode
from audio.decoding import read_passage, resample
from audio.passage import average
from bench.preview import without_length
from extractor import statistics, weights
from extractor.decoders import Decoders
from extractor.listening import ListeningPool
from extractor.litert import LiteNetwork
from extractor.model import Model
from extractor.network import Spectrograph
from extractor.spectrogram import decibels, prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BASELINE: Final = "decode alone"
OURS: Final = "ours, end to end"
LITERT: Final = "ours by LiteRT, end to end"
PUBLISHED: Final = "the published way"
PORT: Final = "a plain Keras port"


def model() -> Model:
    """Return the network with weights from a seed: it costs what trained ones cost, and is on every machine."""
    given = weights.untrained()
    return Model(given, statistics.shipped(given))


def has_litert() -> bool:
    """Tell whether the other engine is installed (`ai-edge-litert`)."""
    return find_spec("ai_edge_litert") is not None


class LiteListener:
    """What `ListeningPool` does, with the network in LiteRT."""

    def __init__(self) -> None:
        given = weights.untrained()
        self.network, self._decoder = LiteNetwork(given, statistics.shipped(given)), IsolatedDecoder()

    def hear(self, mp3: bytes) -> NDArray[np.float32]:
        """Return float32 [160] for a file's content."""
        hashlib.sha256(mp3).hexdigest()
        vectors = self.network(prepare(self._decoder.decode(mp3).samples, repeat=True)[np.newaxis])
        return np.asarray(vectors[0])


def listener(path: str) -> tuple[Callable[[bytes], Any], Callable[[], None]]:
    """Return the function that is called `path`, from a file's content, and what closes it."""
    if path == BASELINE:
        return decode_alone, lambda: None
    if path == LITERT:
        return LiteListener().hear, lambda: None
    pool = ListeningPool(model(), Decoders(1))
    return pool.hear, pool.close


def decode_alone(mp3: bytes) -> NDArray[np.float32]:
    """Decode a file's content to float32 [n, 2], nothing else."""
    frames, _ = soundfile.read(io.BytesIO(mp3), dtype="float32", always_2d=True)
    return np.asarray(frames)


def ours(mp3: bytes, heard_by: Model) -> dict[str, Callable[[], Any]]:
    """Return our path as the extractor runs it, and its parts."""
    pool = ListeningPool(heard_by, Decoders(1))
    isolated = IsolatedDecoder()
    stereo = decode_alone(mp3)
    mono, nameless = average(stereo), without_length(mp3)
    clip = decode(mp3).samples
    filled = prepare(clip, repeat=True)[np.newaxis]
    spectrograph = Spectrograph()
    parts: dict[str, Callable[[], Any]] = {
        OURS: lambda: pool.hear(mp3),
        "- decode and check": lambda: read_passage(mp3),
        "- average channels": lambda: average(stereo),
        "- resample (soxr HQ)": lambda: resample(mono, 44_100),
        "- all of these": lambda: decode(mp3),
        "- all of these, MP3 without its length": lambda: decode(nameless),
        "- all of these, isolated process": lambda: isolated.decode(mp3),
        "- log-mel (TensorFlow)": lambda: spectrograph(filled),
        "- log-mel and network (TensorFlow)": lambda: heard_by.embed([clip]),
    }
    if has_litert():
        lite = LiteListener()
        parts[LITERT] = lambda: lite.hear(mp3)
        parts["- log-mel (NumPy)"] = lambda: decibels(filled[0])
        parts["- log-mel and network (LiteRT)"] = lambda: lite.network(filled)
    return parts


def baselines(mp3: bytes) -> dict[str, Callable[[], NDArray[np.float32]]]:
    """Return the published way and a plain port, with the weights of `model`."""
    from bench.baselines import PlainPort, PublishedWay

    given = weights.untrained()
    port, published = PlainPort(given, statistics.shipped(given)), PublishedWay(given)
    return {PORT: lambda: port(mp3), PUBLISHED: lambda: published(mp3)}


def check(mp3: bytes, heard_by: Model) -> dict[str, float]:
    """Return how far the vectors of the other ways are from ours (cosine): they all compute the same thing."""
    others = baselines(mp3)
    clip = [decode(mp3).samples]
    by_clip = Model(heard_by.weights, None)
    return {
        PORT: _cosine(others[PORT](), heard_by.embed(clip).vectors[0]),
        PUBLISHED: _cosine(others[PUBLISHED](), by_clip.embed(clip).vectors[0]),
    }


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
