"""A file's identity is its sound: no tag, picture or container changes it, and every other sound does."""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
import soundfile
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TIT2, TXXX
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from soundalike.audio.coded_audio.identity import identify
from soundalike.audio.ogg_chain import links

if TYPE_CHECKING:
    from collections.abc import Callable

    Encode = Callable[..., bytes]
    Edit = Callable[[bytes], bytes]

SECONDS = 3.0
IDENTITIES = Path(__file__).with_name("identities")
"""Files of a rising tone, each as small as its container allows; see the README there."""

COVER = bytes(range(256)) * 300


def digest(content: bytes) -> str:
    return identify(io.BytesIO(content)).digest


def duration_ms(content: bytes) -> int | None:
    return identify(io.BytesIO(content)).duration_ms


def edited(content: bytes, change: Callable[[io.BytesIO], None]) -> bytes:
    stream = io.BytesIO(content)
    change(stream)
    return stream.getvalue()


def id3(content: bytes, *, v1: int = 0) -> bytes:
    def change(stream: io.BytesIO) -> None:
        tags = ID3()
        tags.add(TIT2(encoding=3, text="Another title"))
        tags.add(TXXX(encoding=3, desc="replaygain_track_gain", text="-6.00 dB"))
        tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=COVER))
        tags.save(stream, v1=v1)

    return edited(content, change)


def ape(content: bytes) -> bytes:
    def change(stream: io.BytesIO) -> None:
        tags = APEv2()
        tags["Title"], tags["replaygain_track_gain"] = "Another title", "-6.00 dB"
        tags.save(stream)

    return edited(content, change)


def id3v1(content: bytes) -> bytes:
    return content + b"TAG" + b"Another title".ljust(125, b"\0")


def lyrics3(content: bytes) -> bytes:
    lyrics = b"LYRICSBEGIN" + b"IND0000200" + b"LYR00008some words"
    return id3v1(content + lyrics + b"%06d" % len(lyrics) + b"LYRICS200")


def old_lyrics3(content: bytes) -> bytes:
    return content + b"LYRICSBEGIN" + b"some words" * 20 + b"LYRICSEND"


def id3_behind(content: bytes) -> bytes:
    return content + b"ID3\4\0\x10\0\0\0\x14" + bytes(20) + b"3DI\4\0\x10\0\0\0\x14"


def junk_in_front(content: bytes) -> bytes:
    return bytes(1000) + content


def without_information(content: bytes) -> bytes:
    """The MP3 without the frame in front that says how many there are, as an encoder to a pipe leaves it."""
    start = content.index(b"\xff\xfb")
    assert content[start + 36 : start + 40] in (b"Xing", b"Info")
    return content[content.index(b"\xff\xfb", start + 4) :]


def other_information(content: bytes) -> bytes:
    return content.replace(b"LAME", b"Lavf", 1)


def vorbis_comments(kind: type[Any], size: int) -> Edit:
    def edit(content: bytes) -> bytes:
        def change(stream: io.BytesIO) -> None:
            file = kind(stream)
            file["title"], file["comment"] = "Another title", "x" * size
            stream.seek(0)
            file.save(stream)

        return edited(content, change)

    return edit


def flac_picture(content: bytes) -> bytes:
    def change(stream: io.BytesIO) -> None:
        file = FLAC(stream)
        picture = Picture()
        picture.data = COVER
        file.add_picture(picture)
        stream.seek(0)
        file.save(stream, padding=lambda _: 0)

    return edited(content, change)


def flac_without_length(content: bytes) -> bytes:
    header = bytearray(content)
    header[21] &= 0xF0
    header[22:42] = bytes(20)
    return bytes(header)


def opus_gain(content: bytes) -> bytes:
    at = content.index(b"OpusHead") + 16
    return content[:at] + b"\x34\xff" + content[at + 2 :]


def mp4_tags(content: bytes) -> bytes:
    def change(stream: io.BytesIO) -> None:
        file = MP4(stream)
        file.tags["\xa9nam"], file.tags["covr"] = ["Another title"], [MP4Cover(COVER)]
        stream.seek(0)
        file.save(stream)

    return edited(content, change)


def copied(container: str, **options: str) -> Edit:
    """The packets, as they are, into a file of a container that FFmpeg writes."""

    def edit(content: bytes) -> bytes:
        # By a name: to put the index in front, FFmpeg opens what it wrote again.
        with NamedTemporaryFile() as target:
            with (
                av.open(io.BytesIO(content)) as source,
                av.open(target.name, "w", format=container, options=options) as file,
            ):
                track = source.streams.audio[0]
                stream = file.add_stream_from_template(track)
                for packet in source.demux(track):
                    if packet.dts is not None:
                        packet.stream = stream
                        file.mux(packet)
            return Path(target.name).read_bytes()

    return edit


def mutagen_id3(kind: type[Any]) -> Edit:
    def edit(content: bytes) -> bytes:
        def change(stream: io.BytesIO) -> None:
            file = kind(stream)
            if file.tags is None:
                file.add_tags()
            file.tags.add(TIT2(encoding=3, text="Another title"))
            file.tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=COVER))
            stream.seek(0)
            file.save(stream)

        return edited(content, change)

    return edit


def asf_tags(content: bytes) -> bytes:
    def change(stream: io.BytesIO) -> None:
        file = ASF(stream)
        file["Title"] = ["Another title" * 100]
        stream.seek(0)
        file.save(stream)

    return edited(content, change)


def riff_list(content: bytes) -> bytes:
    chunk = b"LIST" + struct.pack("<I", 26) + b"INFOINAM" + struct.pack("<I", 14) + b"Another title\0"
    return content[:4] + struct.pack("<I", len(content) + len(chunk) - 8) + content[8:] + chunk


def wav_without_length(length: int) -> Edit:
    def edit(content: bytes) -> bytes:
        at = content.index(b"data") + 4
        # The chunk behind the samples, which libsndfile writes for floats, would count as samples.
        size = int.from_bytes(content[at : at + 4], "little")
        return (
            content[:4]
            + struct.pack("<I", length)
            + content[8:at]
            + struct.pack("<I", length)
            + content[at + 4 : at + 4 + size]
        )

    return edit


def as_rf64(content: bytes) -> bytes:
    at = content.index(b"data")
    size = int.from_bytes(content[at + 4 : at + 8], "little")
    long = b"ds64" + struct.pack("<IQQQI", 28, len(content) + 28, size, 0, 0)
    return b"RF64\xff\xff\xff\xffWAVE" + long + content[12 : at + 4] + b"\xff\xff\xff\xff" + content[at + 8 :]


# Version 1 of the rule. Where one of these changes, every file of that kind becomes another track: that needs another
# version, and old identities to be renamed as files are seen again.
GOLDEN = {
    "ac3.ac3": ("8bf6e4adcfe7bcae6932252f34fa304d4ae97c80e8cb6855c792d9492e1684d7", 336),
    "mp2.mp2": ("2f9f894dacbb1782f22c8adcd7b979794ef5adeb81e575cd7a920a3677905dfb", 360),
    "pcm.avi": ("ee6261c437ab8ab72856c56710675236c658e1adf4b6f628f2c8601236614c4b", 100),
    "aac.aac": ("92231e5a59f5c74cd4ca7a2232c03215f3d6840cb70ba057488d79ce03cae143", 512),
    "aac.m4a": ("92231e5a59f5c74cd4ca7a2232c03215f3d6840cb70ba057488d79ce03cae143", 464),
    "alac.m4a": ("efc7460dd656b2634f31dc24aafedd3a66778857baed33b53988e3f460935804", 300),
    "dsd.dff": ("37c852729793d3d80b1fd6c7350a7e061a7e7e9d3035a3def77cbdce7d22efc6", 23),
    "dsd.dsf": ("de702a119c957540895906e35d063733c9c770583a480e80ddb41a711d060bab", 23),
    "flac.flac": ("b0b5055279397a72b71f425e364a87ed7d5283941cd8914047204e3e3a10dd09", 300),
    "flac.ogg": ("b0b5055279397a72b71f425e364a87ed7d5283941cd8914047204e3e3a10dd09", 300),
    "fragmented.mp4": ("abaa962fa9eeaa39aca030f8ca24f150b30811f191643623d764590ee5fe6a7e", 664),
    "mp3.mp3": ("40ba3f31d2123089832f80768ef2ccd9ce42f633e783e719ed71e8a602226d3e", 400),
    "opus.ogg": ("05a1086a8751c8f2974136753d79674e1b7b0ade9d4a7e8b1bba8017e2cbcd3d", 400),
    "opus.webm": ("05a1086a8751c8f2974136753d79674e1b7b0ade9d4a7e8b1bba8017e2cbcd3d", 408),
    "pcm.au": ("bb2c75c2b7a7d8cc345a2ed02ad075c6669897683fb3ddbbde66e4c27f7b072e", 100),
    "pcm.caf": ("bb2c75c2b7a7d8cc345a2ed02ad075c6669897683fb3ddbbde66e4c27f7b072e", 100),
    "pcm.mov": ("be4710903749df8e51f45e279b2f5330125dad9cc7159611bf5c85e20916b10f", 100),
    "pcm.w64": ("ee6261c437ab8ab72856c56710675236c658e1adf4b6f628f2c8601236614c4b", 100),
    "tta.tta": ("2524a74d530b63bc5e9a0ea8384fc28f4c22bdfd8108383a9049ba075bfe20e4", 300),
    "vorbis.mka": ("b569108438ea72b7d32646f6b89b8c0e906ca0360e7513073d7f371cec7a0acc", 352),
    "vorbis.ogg": ("b569108438ea72b7d32646f6b89b8c0e906ca0360e7513073d7f371cec7a0acc", 300),
    "wavpack.wv": ("a20a7c3d0838e90bd4e8da9cf8ce69cfa0ec4708e59da0b6ba0c23ffbdf94d38", 300),
    "wmav2.wma": ("8190af087284da5d66cbb6c21e550b696e8232e95b30544c2797adc55697e06f", 416),
}

EDITS: dict[str, tuple[Edit, ...]] = {
    "mp3": (
        id3, ape, id3v1, lyrics3, old_lyrics3, id3_behind, junk_in_front, without_information, other_information,
        lambda content: id3(id3v1(ape(content))), lambda content: ape(id3(lyrics3(content))), copied("mp3"),
        # One tag in front of another, as programs leave them that do not see the first.
        lambda content: id3(b"") + id3(content),
    ),
    "aac": (id3, ape, id3v1, lyrics3),
    "flac": (vorbis_comments(FLAC, 90_000), flac_picture, id3, id3v1, ape, flac_without_length, copied("flac")),
    "ogg": (vorbis_comments(OggVorbis, 90_000), vorbis_comments(OggVorbis, 300), id3v1, copied("ogg")),
    "opus": (vorbis_comments(OggOpus, 90_000), opus_gain, copied("ogg")),
    "oggflac": (vorbis_comments(OggFLAC, 90_000), copied("ogg")),
    "m4a": (
        mp4_tags, lambda content: mp4_tags(copied("ipod", movflags="faststart")(content)), copied("mp4"),
        copied("mp4", movflags="frag_keyframe+empty_moov", frag_duration="500000"),
    ),
    "alac": (mp4_tags, copied("ipod", movflags="faststart")),
    "webm": (copied("webm"), copied("matroska")),
    "wav": (
        mutagen_id3(WAVE), riff_list, as_rf64, wav_without_length(0), wav_without_length(0xFFFFFFFF),
        wav_without_length(0x7FFFF000), lambda content: ape(wav_without_length(0xFFFFFFFF)(content)), copied("wav"),
    ),
    "wav-float": (mutagen_id3(WAVE), copied("wav")),
    "aiff": (mutagen_id3(AIFF),),
    "wma": (asf_tags,),
    "mp2": (id3, ape, id3v1), "ac3": (id3, ape, copied("mp4")), "eac3": (ape,), "wavpack": (ape, id3v1),
    "tta": (id3, ape),
}  # fmt: skip


BARE = {"mp2", "ac3", "eac3"}
"""Forms that hold nothing beside the frames, so that all their bytes are the sound."""


@pytest.mark.parametrize(
    ("form", "number"), [(form, number) for form, edits in EDITS.items() for number in range(len(edits))]
)
def test_no_edit_of_tags_or_container_changes_the_identity(encode: Encode, form: str, number: int) -> None:
    content = encode(form, SECONDS)
    other = EDITS[form][number](content)
    assert other != content
    assert digest(other) == digest(content)
    assert duration_ms(other) == pytest.approx(SECONDS * 1000, abs=80)


@pytest.mark.parametrize("name", GOLDEN)
def test_the_identity_of_a_file_never_changes(name: str) -> None:
    coded = identify(io.BytesIO((IDENTITIES / name).read_bytes()))
    assert (coded.digest, coded.duration_ms, coded.version) == (*GOLDEN[name], 1)


@pytest.mark.parametrize("form", EDITS)
def test_another_sound_has_another_identity(encode: Encode, form: str) -> None:
    content = encode(form, SECONDS)
    assert (digest(content) == hashlib.sha256(content).hexdigest()) is (form in BARE)
    assert digest(encode(form, SECONDS - 0.5)) != digest(content)
    frames = np.zeros((48_000, 2), np.float32)
    silence = encode(form, frames=frames)
    frames[30_000:, 1] = 0.25
    assert digest(encode(form, frames=frames)) != digest(silence) != digest(content)


@pytest.mark.parametrize("form", ["wav", "aiff", "flac"])
def test_one_changed_sample_changes_the_identity(encode: Encode, form: str) -> None:
    frames = np.full((44_100, 2), 0.25, np.float32)
    before = digest(encode(form, frames=frames))
    frames[44_099, 1] += 2**-15
    assert digest(encode(form, frames=frames)) != before


def test_the_same_samples_at_another_rate_are_another_sound(encode: Encode) -> None:
    content = bytearray(encode("wav", SECONDS))
    before = digest(bytes(content))
    content[24:28] = (48_000).to_bytes(4, "little")
    assert digest(bytes(content)) != before


@pytest.mark.parametrize(
    ("form", "container"),
    [("aac", "ipod"), ("aac", "matroska"), ("mp3", "matroska"), ("mp3", "wav"), ("flac", "ogg"), ("flac", "matroska"),
     ("opus", "webm"), ("ogg", "matroska"), ("wav", "w64"), ("wav", "caf"), ("wav", "matroska"), ("aiff", "au"),
     ("aiff", "caf"), ("alac", "caf")],
)  # fmt: skip
def test_the_same_packets_in_another_container_are_the_same_sound(encode: Encode, form: str, container: str) -> None:
    content = encode(form, SECONDS)
    assert digest(copied(container)(content)) == digest(content)


def test_the_identity_of_samples_is_a_line_and_the_samples(encode: Encode) -> None:
    frames = np.full((1000, 2), 0.25, np.float32)
    expected = hashlib.sha256(b"pcm_s16le 44100 2\n" + np.full(2000, 8192, "<i2").tobytes()).hexdigest()
    assert digest(encode("wav", frames=frames)) == expected


def test_a_chained_file_is_as_long_as_its_links(encode: Encode) -> None:
    first, second = encode("ogg", SECONDS), encode("ogg", 2.0)
    chain = first + second
    assert len(links(io.BytesIO(chain))) == 2
    assert duration_ms(chain) == pytest.approx(5000, abs=10)
    assert digest(first + vorbis_comments(OggVorbis, 9_000)(second)) == digest(chain)
    assert digest(second + first) != digest(chain)


@pytest.mark.parametrize("subtype", ["MS_ADPCM", "IMA_ADPCM"])
@pytest.mark.parametrize("channels", [1, 2])
def test_adpcm_is_as_long_as_its_blocks_whatever_its_header_says(subtype: str, channels: int) -> None:
    target = io.BytesIO()
    frames = np.zeros((3 * 44_100, channels), np.float32)
    soundfile.write(target, frames, 44_100, format="WAV", subtype=subtype)
    content = bytearray(target.getvalue())
    content[28:32] = (16_000).to_bytes(4, "little")
    # The last block is filled up.
    assert duration_ms(bytes(content)) == pytest.approx(3000, abs=100)


def test_a_recording_that_breaks_off_is_as_long_as_it_goes(encode: Encode) -> None:
    for form in ("mp3", "aac", "flac", "ogg", "opus", "wav", "aiff"):
        content = encode(form, 6.0)
        half = content[: len(content) // 2]
        assert duration_ms(half) == pytest.approx(3000, rel=0.25), form
        # What is no whole frame is no sound, whatever is appended to it.
        assert digest(id3v1(half)) == digest(half), form


def test_what_holds_no_sound_is_identified_by_its_bytes() -> None:
    for content in (b"", b"no music", b"RIFF\0\0\0\0WAVE", b"fLaC", b"OggS", b"\x00\x00\x00\x18ftypM4A " + bytes(99)):
        coded = identify(io.BytesIO(content))
        assert (coded.digest, coded.duration_ms) == (hashlib.sha256(content).hexdigest(), None)


@pytest.mark.parametrize("form", ["FLAC", "MP3", "WAV", "OGG"])
def test_the_last_front_of_a_copy_that_was_cut_short_is_among_those_of_the_file(form: str) -> None:
    def sound(seed: int) -> bytes:
        stream = io.BytesIO()
        noise = np.random.default_rng(seed).uniform(-0.3, 0.3, (12 * 44_100, 2))
        soundfile.write(stream, noise, 44_100, format=form)
        return stream.getvalue()

    content = sound(1)
    whole, half = identify(io.BytesIO(content)), identify(io.BytesIO(content[: len(content) // 2]))
    assert half.digest != whole.digest
    assert half.fronts == whole.fronts[: len(half.fronts)]
    assert 0 < len(half.fronts) < len(whole.fronts)
    assert not set(half.fronts) & set(identify(io.BytesIO(sound(2))).fronts)
