from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.other_kind import OtherKind, other_kind

from .audio_forms import FORMS

if TYPE_CHECKING:
    from conftest import Encode


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"MThd\0\0\0\x06\0\1", OtherKind.MIDI),
        (b"RIFF\0\0\0\0RMIDdata", OtherKind.MIDI),
        (b"Extended Module: a song", OtherKind.MODULE),
        (bytes(1080) + b"M.K.", OtherKind.MODULE),
        (b"PSID\0\2", OtherKind.CHIP_MUSIC),
        (b"\0\0\0\x20ftypaax \0\0\0\1", OtherKind.AUDIBLE),
        (b"OFR \x0f\0\0\0", OtherKind.OPTIMFROG),
        (b"ea3\x03\0\0", OtherKind.ATRAC),
        (b"", None),
        (b"\xff\xd8\xff\xe0 a picture", None),
    ],
)
def test_files_are_recognised_by_what_they_begin_with(head: bytes, kind: OtherKind | None) -> None:
    assert other_kind(io.BytesIO(head)) is kind


@pytest.mark.parametrize("form", FORMS)
def test_what_is_analysed_is_none_of_them(encode: Encode, form: str) -> None:
    assert other_kind(io.BytesIO(encode(form, 6.0))) is None
