from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.decode import decode
from soundalike.audio.errors import Protected, Undecodable
from soundalike.audio.protection import check_protection
from soundalike.audio.sniff import AudioKind

if TYPE_CHECKING:
    from conftest import Encode

ENCRYPTION = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
EXTENDED = bytes.fromhex("14e68a292226174cb935dae07ee9289c")


def asf(encode: Encode, identification: bytes) -> bytes:
    data = encode("wma", 6.0)
    described = identification + struct.pack("<Q", 40) + bytes(16)
    length = int.from_bytes(data[16:24], "little") + len(described)
    return data[:16] + struct.pack("<Q", length) + data[24:30] + described + data[30:]


@pytest.mark.parametrize("entry", [b"drms", b"enca", b"aavd"])
def test_an_encrypted_mp4_is_told_by_what_describes_its_samples(encode: Encode, entry: bytes) -> None:
    data = encode("m4a", 6.0)
    at = data.index(b"stsd") + 16
    assert data[at : at + 4] == b"mp4a"
    with pytest.raises(Protected, match="DRM"):
        decode(data[:at] + entry + data[at + 4 :])


@pytest.mark.parametrize("identification", [ENCRYPTION, EXTENDED])
def test_an_encrypted_wma_is_told_by_an_object_of_its_header(encode: Encode, identification: bytes) -> None:
    with pytest.raises(Protected, match="DRM"):
        decode(asf(encode, identification))


@pytest.mark.parametrize(
    ("form", "kind"), [("m4a", AudioKind.M4A), ("alac", AudioKind.M4A), ("wma", AudioKind.WMA), ("mp3", AudioKind.MP3)]
)
def test_what_anybody_can_play_passes(encode: Encode, form: str, kind: AudioKind) -> None:
    stream = io.BytesIO(encode(form, 6.0))
    check_protection(stream, kind)
    assert stream.tell() == 0


@pytest.mark.parametrize("length", [0, 1, 7, 8, 0xFFFF_FFFF])
def test_boxes_of_impossible_lengths_end_the_search(length: int) -> None:
    box = struct.pack(">I", length)
    check_protection(io.BytesIO(b"\0\0\0\x08ftyp" + (box + b"moov") * 2_000), AudioKind.M4A)


def test_lengths_that_no_stream_has_end_the_search(encode: Encode) -> None:
    check_protection(io.BytesIO(b"\0\0\0\1moov" + b"\xff" * 100), AudioKind.M4A)
    data = encode("wma", 6.0)
    check_protection(io.BytesIO(data[:16] + b"\xff" * 8 + data[24:46] + b"\xff" * 8 + data[54:]), AudioKind.WMA)
    wave = encode("w64", 6.0)
    at = wave.index(b"fmt ") + 16
    with pytest.raises(Undecodable):
        decode(wave[:at] + b"\xff" * 8 + wave[at + 8 :])
