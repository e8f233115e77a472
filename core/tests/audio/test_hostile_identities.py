"""Whatever a file consists of, it is identified in bounded time, and nothing of ours fails over it."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.coded_audio.identity import MAX_DURATION_S, identify
from soundalike.audio.isolate import cpu_limit_s

from . import tiny_frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from conftest import Encode

TINY = (
    tiny_frames.adts, tiny_frames.mp3, tiny_frames.mp3_that_declares_its_length, tiny_frames.nearly_mp3,
    tiny_frames.interrupted_mp3, tiny_frames.flac, tiny_frames.opus_links, tiny_frames.opus_packets,
    tiny_frames.ogg_pages, tiny_frames.webm, tiny_frames.m4a,
)  # fmt: skip


def flac_of_syncs() -> bytes:
    return b"fLaC\x84\0\0\0" + b"\xff\xf8" * 6_000_000


def wav_of_chunks() -> bytes:
    return b"RIFF\xff\xff\xff\xffWAVE" + b"junk\0\0\0\0" * 1_500_000


def musepack_of_packets() -> bytes:
    return b"MPCK" + b"SO\x03" * 4_000_000


def tails() -> bytes:
    return tiny_frames.repeated(b"\xff\xfb\x90\xc4".ljust(417, b"\0") * 3, b"TAG".ljust(128, b"\0"))


@pytest.mark.parametrize("make", [*TINY, flac_of_syncs, wav_of_chunks, musepack_of_packets, tails])
def test_files_of_next_to_nothing_take_no_longer_than_their_size_allows(make: Callable[[], bytes]) -> None:
    content = make()
    start = time.process_time()
    coded = identify(io.BytesIO(content))
    assert time.process_time() - start < cpu_limit_s(len(content))
    assert coded.duration_ms is None or 0 < coded.duration_ms <= MAX_DURATION_S * 1000


def test_damaged_files_are_identified_all_the_same(fuzz: ModuleType, good: dict[str, bytes], encode: Encode) -> None:
    forms = {"oggflac", "wma", "aiff", "webm", "alac"}
    files = good | {form: encode(form, 3.0) for form in forms}
    digests = {form: identify(io.BytesIO(content)).digest for form, content in files.items()}
    coded = [(form, identify(io.BytesIO(data))) for form, data in fuzz.damage_files(files, 80, seed=3)]
    assert {len(each.digest) for _, each in coded} == {64}
    assert all(each.duration_ms is None or each.duration_ms > 0 for _, each in coded)
    # Most damage is to what sounds.
    assert sum(digests[form] != each.digest for form, each in coded) > len(coded) / 2
