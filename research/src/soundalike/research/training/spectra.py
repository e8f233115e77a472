"""The training data of files: mel levels of a long excerpt, the clip to evaluate by, the teacher's features."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np
import soxr
import torch

from soundalike.audio.decode import read_excerpts, resample
from soundalike.audio.errors import AudioError
from soundalike.audio.excerpt import RATE
from soundalike.audio.excerpt_rule import ExcerptRule
from soundalike.audio.mixdown import mix_down
from soundalike.extractor.architecture import FRAMES, SAMPLES
from soundalike.extractor.spectrogram import FLOOR_DB, HOP, MIN_POWER, N_FFT, fit_length, mel_matrix, window
from soundalike.research.training import musicnn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.research.training.corpus import TrainingTrack

PATCH_SAMPLES: Final = musicnn.PATCH * musicnn.HOP * RATE // musicnn.RATE
"""Samples at 12 kHz of one patch of the teacher."""

TRAINING_RULE: Final = ExcerptRule(seconds=93, margin_seconds=1, whole_up_to_seconds=94, tenths=(5,))
"""The excerpt for training: up to 93 s of the middle of a track, which include the 29 s for evaluation."""

EVALUATION_RULE: Final = ExcerptRule(tenths=(5,))
"""The 29 s by which training judges a track, also of a long one: it compares networks, and one excerpt is enough."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackSpectra:
    """The training data of one track.

    `levels` float16 [96, frames] in dB of the training excerpt (absolute, no floor), `clip` float16 [96, 1360] as
    input of the network, `teacher` float16 [patches, 753] for each 2.992 s of `levels`, and `sound` int16 [n], the same
    excerpt at the teacher's 16 kHz.
    """

    levels: NDArray[np.float16]
    clip: NDArray[np.float16]
    teacher: NDArray[np.float16]
    sound: NDArray[np.int16]


class SpectrogramFrontEnd:
    """The network's spectrogram in PyTorch, for excerpts of any length."""

    def __init__(self) -> None:
        self._window = torch.from_numpy(window())
        self._bank = torch.from_numpy(mel_matrix())

    def levels(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return dB float32 [96, ceil(n / 256)] of float32 [n] at 12 kHz, absolute and without a floor."""
        padded = torch.nn.functional.pad(torch.from_numpy(np.ascontiguousarray(samples)), (N_FFT // 2, N_FFT // 2))
        count = -(-len(samples) // HOP)
        frames = padded.unfold(0, N_FFT, HOP)[:count] * self._window
        power = torch.fft.rfft(frames).abs() ** 2
        levels = 10.0 * torch.log10((power @ self._bank).clamp_min(MIN_POWER))
        return np.asarray(levels.T.numpy(), dtype=np.float32)

    def clip(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's input float32 [96, 1360] for float32 [n] at 12 kHz."""
        levels = self.levels(fit_length(samples, repeat=True))
        return np.asarray(np.maximum(levels - levels.max(), FLOOR_DB), dtype=np.float32)


def analyse_tracks(
    folder: Path, tracks: Iterable[TrainingTrack], teacher: musicnn.Musicnn, log: Callable[[str], None]
) -> list[tuple[TrainingTrack, TrackSpectra]]:
    """Analyse every track that can be decoded; `log` gets errors and progress."""
    front, analysed = SpectrogramFrontEnd(), []
    for track in tracks:
        try:
            analysed.append((track, _analyse(folder / track.path, front, teacher)))
        except (AudioError, OSError) as error:
            log(f"{track.path}: {error}")
        if len(analysed) % 50 == 0:
            log(f"{len(analysed)} tracks analysed")
    return analysed


def _analyse(path: Path, front: SpectrogramFrontEnd, teacher: musicnn.Musicnn) -> TrackSpectra:
    long = read_excerpts(path, TRAINING_RULE)
    mono = mix_down(long.excerpts[0], long.rate)
    low = resample(mono, long.rate)[: TRAINING_RULE.seconds * RATE]
    high = mono if long.rate == musicnn.RATE else soxr.resample(mono, long.rate, musicnn.RATE, quality="HQ")
    short = read_excerpts(path, EVALUATION_RULE)
    clip = resample(mix_down(short.excerpts[0], short.rate), short.rate)[:SAMPLES]
    mel = musicnn.log_mel(np.asarray(high, dtype=np.float32))
    patches = max(1, min(len(low) // PATCH_SAMPLES, len(mel) // musicnn.PATCH))
    whole = np.resize(mel, (patches * musicnn.PATCH, musicnn.MEL_BANDS)).reshape(patches, musicnn.PATCH, -1)
    features = [teacher(np.ascontiguousarray(group)) for group in np.array_split(whole, -(-patches // 10))]
    return TrackSpectra(
        levels=front.levels(np.resize(low, max(len(low), FRAMES * HOP))).astype(np.float16),
        clip=front.clip(clip).astype(np.float16),
        teacher=np.concatenate([group.mean_pool for group in features]).astype(np.float16),
        sound=(np.clip(high, -1.0, 1.0) * 32767.0).astype(np.int16),
    )


@dataclass(frozen=True, slots=True, eq=False)
class CorpusSpectra:
    """An analysed corpus in one file: the arrays of `TrackSpectra`, concatenated over the tracks."""

    path: NDArray[np.str_]
    album: NDArray[np.str_]
    frames: NDArray[np.int64]
    patches: NDArray[np.int64]
    samples: NDArray[np.int64]
    levels: NDArray[np.float16]
    clip: NDArray[np.float16]
    teacher: NDArray[np.float16]
    sound: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.path)

    def levels_of(self, number: int) -> NDArray[np.float16]:
        """Return [96, frames] of one track."""
        return self.levels[:, _span(self.frames, number)]

    def teacher_of(self, number: int) -> NDArray[np.float16]:
        """Return [patches, 753] of one track."""
        return self.teacher[_span(self.patches, number)]

    def sound_of(self, number: int) -> NDArray[np.int16]:
        """Return [samples] of one track at 16 kHz."""
        return self.sound[_span(self.samples, number)]

    @classmethod
    def of(cls, analysed: list[tuple[TrainingTrack, TrackSpectra]]) -> CorpusSpectra:
        """Join the data of single tracks."""
        spectra = [spectrum for _, spectrum in analysed]
        return cls(
            path=np.array([track.path for track, _ in analysed]),
            album=np.array([track.album for track, _ in analysed]),
            frames=np.array([spectrum.levels.shape[1] for spectrum in spectra]),
            patches=np.array([len(spectrum.teacher) for spectrum in spectra]),
            samples=np.array([len(spectrum.sound) for spectrum in spectra]),
            levels=np.concatenate([spectrum.levels for spectrum in spectra], axis=1),
            clip=np.stack([spectrum.clip for spectrum in spectra]),
            teacher=np.concatenate([spectrum.teacher for spectrum in spectra]),
            sound=np.concatenate([spectrum.sound for spectrum in spectra]),
        )

    def save(self, path: Path) -> None:
        """Write plain arrays into an .npz file."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> CorpusSpectra:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as archive:
            return cls(**{field.name: archive[field.name] for field in fields(cls)})


def _span(lengths: NDArray[np.int64], number: int) -> slice:
    end = int(lengths[: number + 1].sum())
    return slice(end - int(lengths[number]), end)
