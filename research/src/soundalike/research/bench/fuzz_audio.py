"""Damaged files through the isolated decoder: each is decoded or refused with an error of ours, soon, without a crash.

    python -m soundalike.research.bench.fuzz_audio [--files 1000] [--seed 0] [--no-vectors] [--json FILE]

Every file is a small good one of some format, damaged in one to three ways. What is decoded must be finite, and so must
the vector that the network makes of it. Exits with 1 if anything else happened.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av
import numpy as np
import soundfile

from soundalike.audio.errors import DecoderCrashed, InternalDecoderError, PermanentAudioError
from soundalike.audio.excerpt import RATE
from soundalike.audio.isolate import IsolatedDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Embed = Callable[[list[NDArray[np.float32]]], None]

TIMEOUT_S: Final = 20.0
_LENGTH: Final = 40
_RATE: Final = 16_000
_HEAD: Final = 4096
_EXTREMES: Final = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b"\0\0\0\1",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one file: `verdict` is "decoded", a type of error, or begins with "BAD"."""

    form: str
    verdict: str
    seconds: float

    @property
    def is_bad(self) -> bool:
        """Whether this must not happen."""
        return self.verdict.startswith("BAD")


def good_files() -> dict[str, bytes]:
    """Return a file of each form, each of the same 40 s, so that the middle is looked for in every one of them."""
    time_ = np.arange(_LENGTH * _RATE) / _RATE
    sound = (0.4 * np.sin(2 * np.pi * (200 * time_ + 20 * time_**2)))[:, np.newaxis].astype(np.float32)
    sndfile = {
        "mp3": ("MP3", "MPEG_LAYER_III"),
        "ogg": ("OGG", "VORBIS"),
        "opus": ("OGG", "OPUS"),
        "flac": ("FLAC", "PCM_16"),
        "flac-24": ("FLAC", "PCM_24"),
        "wav": ("WAV", "PCM_16"),
        "wav-float": ("WAV", "FLOAT"),
        "wav-adpcm": ("WAV", "IMA_ADPCM"),
        "rf64": ("RF64", "PCM_16"),
        "aiff": ("AIFF", "PCM_16"),
        "w64": ("W64", "PCM_16"),
        "au": ("AU", "PCM_16"),
    }
    ffmpeg: dict[str, tuple[str, str, dict[str, str]]] = {
        "mp3-bare": ("mp3", "libmp3lame", {"write_xing": "0", "id3v2_version": "0"}),
        "aac": ("adts", "aac", {}),
        "m4a": ("ipod", "aac", {}),
        "alac": ("ipod", "alac", {}),
        "mp4-fragments": ("mp4", "aac", {"movflags": "empty_moov+default_base_moof", "frag_duration": "2000000"}),
        "webm": ("webm", "libopus", {}),
        "mp3-in-wav": ("wav", "libmp3lame", {}),
        "flac-in-ogg": ("ogg", "flac", {}),
        "wavpack": ("wv", "wavpack", {}),
        "tta": ("tta", "tta", {}),
        "mp2": ("mp2", "mp2", {}),
        "alac-in-caf": ("caf", "alac", {}),
    }
    return {name: _by_sndfile(sound, *form) for name, form in sndfile.items()} | {
        name: _by_ffmpeg(sound, *form) for name, form in ffmpeg.items()
    }


def damage_files(good: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield `count` damaged files with their forms, the forms in turn; the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    forms = list(good)
    ways: tuple[Callable[[bytes, np.random.Generator, dict[str, bytes]], bytes], ...] = (
        *(_flip, _flip_in_head, _set_fields, _truncate),
        *(_splice, _insert, _remove, _repeat),
    )
    for number in range(count):
        form = forms[number % len(forms)]
        data = good[form]
        for way in rng.integers(0, len(ways), size=rng.integers(1, 4)):
            data = ways[way](data, rng, good)
        yield form, data


def check_file(decoder: IsolatedDecoder, form: str, data: bytes, embed: Embed | None = None) -> Outcome:
    """Decode a file and say what became of it; `embed` raises for samples of which no finite vector can be made."""
    start = time.monotonic()
    try:
        excerpts = decoder.decode(data).separate()
    except PermanentAudioError as error:
        verdict = type(error).__name__
    except (DecoderCrashed, InternalDecoderError) as error:
        verdict = f"BAD: {error}"
    except Exception as error:  # noqa: BLE001 - what this program looks for
        verdict = f"BAD: {error!r}"
    else:
        verdict = _verdict(excerpts, embed)
    seconds = time.monotonic() - start
    return Outcome(form, f"BAD: took {seconds:.0f} s" if seconds > TIMEOUT_S else verdict, seconds)


def _verdict(excerpts: list[NDArray[np.float32]], embed: Embed | None) -> str:
    if not all(np.isfinite(samples).all() for samples in excerpts):
        return "BAD: samples that are not finite"
    lengths = [len(samples) for samples in excerpts]
    if sum(lengths) < 6.9 * RATE or max(lengths) > 29 * RATE:
        return f"BAD: {lengths} samples"
    if embed is not None:
        try:
            embed(excerpts)
        except Exception as error:  # noqa: BLE001 - what this program looks for
            return f"BAD: {error!r}"
    return "decoded"


def network() -> Embed:
    """Return the bench's network as something that raises where it answers with no finite vector."""
    from soundalike.research.bench.paths import model

    network = model()

    def embed(excerpts: list[NDArray[np.float32]]) -> None:
        network.embed_recording(excerpts)

    return embed


def _by_sndfile(sound: NDArray[np.float32], form: str, subtype: str) -> bytes:
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", _RATE, 1, format=form, subtype=subtype) as file:
        for start in range(0, len(sound), 4096):
            file.write(sound[start : start + 4096])
    return buffer.getvalue()


def _by_ffmpeg(sound: NDArray[np.float32], container: str, codec: str, options: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options=options) as file:
        stream: Any = file.add_stream(codec, rate=_RATE)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = _RATE, 0
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=_RATE)
        for piece in [*resampler.resample(frame), None]:
            file.mux(stream.encode(piece))
    return buffer.getvalue()


def _flip(data: bytes, rng: np.random.Generator, _: dict[str, bytes]) -> bytes:
    return _flipped(data, rng, len(data))


def _flip_in_head(data: bytes, rng: np.random.Generator, _: dict[str, bytes]) -> bytes:
    return _flipped(data, rng, _HEAD)


def _flipped(data: bytes, rng: np.random.Generator, within: int) -> bytes:
    content = bytearray(data)
    end = min(within, len(data))
    for place in rng.integers(0, end, size=int(2 ** rng.uniform(0, 9))) if end else ():
        content[place] ^= 1 << int(rng.integers(8))
    return bytes(content)


def _set_fields(data: bytes, rng: np.random.Generator, _: dict[str, bytes]) -> bytes:
    # Lengths, counts and rates stand at the start or, in an M4A and in the last page of an Ogg, at the end.
    content = bytearray(data)
    for _number in range(int(rng.integers(1, 5))):
        near = int(rng.integers(0, min(256, len(data)) + 1))
        place = near if rng.random() < 0.7 else max(0, len(data) - _HEAD + near)
        content[place : place + 4] = _EXTREMES[int(rng.integers(len(_EXTREMES)))]
    return bytes(content)


def _truncate(data: bytes, rng: np.random.Generator, _: dict[str, bytes]) -> bytes:
    return data[: int(rng.integers(0, len(data) + 1))]


def _splice(data: bytes, rng: np.random.Generator, good: dict[str, bytes]) -> bytes:
    other = good[list(good)[int(rng.integers(len(good)))]]
    head = int(2 ** rng.uniform(2, 12))
    return other[:head] + data[head if rng.random() < 0.5 else 0 :]


def _insert(data: bytes, rng: np.random.Generator, _: dict[str, bytes]) -> bytes:
    place = int(rng.integers(0, len(data) + 1))
    return data[:place] + rng.bytes(int(2 ** rng.uniform(0, 14))) + data[place:]


def _remove(data: bytes, rng: np.random.Generator, _: dict[str, bytes]) -> bytes:
    place = int(rng.integers(0, len(data) + 1))
    return data[:place] + data[place + int(2 ** rng.uniform(0, 14)) :]


def _repeat(data: bytes, rng: np.random.Generator, _: dict[str, bytes]) -> bytes:
    start, stop = sorted(int(place) for place in rng.integers(0, len(data) + 1, size=2))
    return data[:stop] + data[start:]


def _report(outcomes: list[Outcome]) -> None:
    from rich.console import Console
    from rich.table import Table

    verdicts = [verdict for verdict, _ in Counter(outcome.verdict for outcome in outcomes).most_common()]
    table = Table("form", "files", *verdicts, "slowest, s")
    for form in [*dict.fromkeys(outcome.form for outcome in outcomes), "all"]:
        these = [outcome for outcome in outcomes if form in (outcome.form, "all")]
        counts = Counter(outcome.verdict for outcome in these)
        slowest = max(outcome.seconds for outcome in these)
        table.add_row(form, str(len(these)), *(str(counts[verdict]) for verdict in verdicts), f"{slowest:.1f}")
    Console().print(table)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--vectors", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    embed = network() if options.vectors else None
    with IsolatedDecoder() as decoder:
        files = damage_files(good_files(), options.files, options.seed)
        outcomes = [check_file(decoder, form, data, embed) for form, data in files]
    _report(outcomes)
    bad = [
        {"number": number, "form": one.form, "what": one.verdict} for number, one in enumerate(outcomes) if one.is_bad
    ]
    if options.json:
        counts = Counter((outcome.form, outcome.verdict) for outcome in outcomes)
        by_form = [
            {"form": form, "verdict": verdict, "files": files} for (form, verdict), files in sorted(counts.items())
        ]
        slowest = max(outcome.seconds for outcome in outcomes)
        content = {"files": options.files, "seed": options.seed, "slowest_seconds": round(slowest, 2), "bad": bad}
        options.json.write_text(json.dumps(content | {"outcomes": by_form}, indent=1) + "\n")
    for one in bad:
        print(one)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
