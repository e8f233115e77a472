"""The network in LiteRT: the same numbers as in TensorFlow, for a tenth of the memory and of the time to start."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor import graph
from extractor.architecture import DIMENSIONS
from extractor.spectrogram import decibels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from extractor.statistics import Statistics
    from extractor.weights import Weights


class LiteNetwork:
    """From samples to vectors, as `extractor.network.Network`; may be called from several threads."""

    def __init__(self, weights: Weights, statistics: Statistics | None) -> None:
        self._graph = graph.for_weights(weights, statistics)
        # An interpreter holds the values of the clip that it is at.
        self._of_this_thread = threading.local()

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 [n, 160] for float32 [n, 348000] at 12 kHz; NaN where samples are not finite."""
        vectors = np.empty((len(samples), DIMENSIONS), np.float32)
        interpreter = self._interpreter()
        (given,), (wanted,) = interpreter.get_input_details(), interpreter.get_output_details()
        for number, clip in enumerate(samples):
            seen = decibels(clip)
            if not np.isfinite(seen).all():
                # Max-pooling in LiteRT would pass over them, and make an ordinary vector of no sound.
                vectors[number] = np.nan
                continue
            interpreter.set_tensor(given["index"], seen[np.newaxis, :, :, np.newaxis])
            interpreter.invoke()
            vectors[number] = interpreter.get_tensor(wanted["index"])[0]
        return vectors

    def _interpreter(self) -> Any:
        if not hasattr(self._of_this_thread, "interpreter"):
            from ai_edge_litert.interpreter import Interpreter

            # One thread: clips are heard side by side instead.
            interpreter = Interpreter(model_content=self._graph, num_threads=1)
            interpreter.allocate_tensors()
            self._of_this_thread.interpreter = interpreter
        return self._of_this_thread.interpreter
