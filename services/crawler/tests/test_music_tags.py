from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.easymp4 import EasyMP4, EasyMP4Tags
from mutagen.flac import FLAC, CueSheet, CueSheetTrack, CueSheetTrackIndex
from mutagen.id3 import ID3, TALB, TIT2, TPE1, TSRC, TXXX, UFID
from mutagen.mp3 import EasyMP3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from soundalike.audio.sniff import AudioKind, sniff
from soundalike.crawler.music_tags import MusicTags, read_tags

if TYPE_CHECKING:
    from collections.abc import Callable

EasyMP4Tags.RegisterFreeformKey("isrc", "ISRC")

EASY = {"title": "Glöckchen 鐘", "artist": ["Ärzte", "B"], "album": "Metall", "isrc": "us-hm8-08-65849"}
KINDS = {
    AudioKind.MP3: ("MP3", EasyMP3),
    AudioKind.FLAC: ("FLAC", FLAC),
    AudioKind.OGG: ("OGG", OggVorbis),
    AudioKind.WAV: ("WAV", WAVE),
    AudioKind.AIFF: ("AIFF", AIFF),
}


def tagged(content: bytes, reader: Any) -> io.BytesIO:
    stream = io.BytesIO(content)
    file = reader(stream)
    if reader in (WAVE, AIFF):
        file.add_tags()
        for frame in (TIT2, TPE1, TALB, TSRC):
            name = {TIT2: "title", TPE1: "artist", TALB: "album", TSRC: "isrc"}[frame]
            file.tags.add(frame(encoding=3, text=EASY[name]))
    else:
        for name, value in EASY.items():
            file[name] = value
    stream.seek(0)
    file.save(stream)
    return stream


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_the_tags_say(audio: Callable[..., bytes], kind: AudioKind) -> None:
    form, reader = KINDS[kind]
    tags = read_tags(tagged(audio(6, form), reader), kind)
    assert (tags.title, tags.artists, tags.album, tags.isrc) == (
        "Glöckchen 鐘",
        ("Ärzte", "B"),
        "Metall",
        "USHM80865849",
    )
    assert tags.duration_ms == pytest.approx(6000, abs=150)


def encoded_by_ffmpeg(container: str, codec: str, rate: int, metadata: dict[str, str] | None = None) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format=container) as out:
        out.metadata.update(metadata or {})
        stream = out.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = 64_000
        resampler = av.AudioResampler(stream.format, "mono", rate)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024 if codec == "aac" else 960), np.float32), "fltp", "mono")
        for number in range(100):
            frame.sample_rate, frame.pts = rate, number * frame.samples
            for part in resampler.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return target.getvalue()


@pytest.mark.parametrize(
    ("kind", "container", "codec", "rate", "reader", "milliseconds"),
    [
        (AudioKind.M4A, "mp4", "aac", 44_100, EasyMP4, 2322),
        (AudioKind.OPUS, "ogg", "libopus", 48_000, OggOpus, 2000),
    ],
)
def test_what_the_tags_say_of_kinds_that_only_ffmpeg_writes(
    kind: AudioKind, container: str, codec: str, rate: int, reader: Any, milliseconds: int
) -> None:
    tags = read_tags(tagged(encoded_by_ffmpeg(container, codec, rate), reader), kind)
    assert (tags.title, tags.artists, tags.album, tags.isrc) == (
        "Glöckchen 鐘",
        ("Ärzte", "B"),
        "Metall",
        "USHM80865849",
    )
    assert tags.duration_ms == pytest.approx(milliseconds, abs=50)


@pytest.mark.parametrize("kind", list(KINDS))
def test_no_tags(audio: Callable[..., bytes], kind: AudioKind) -> None:
    tags = read_tags(io.BytesIO(audio(6, KINDS[kind][0])), kind)
    assert tags == MusicTags(duration_ms=tags.duration_ms)
    assert tags.duration_ms


def test_the_album_artist_stands_in_for_the_artist(audio: Callable[..., bytes]) -> None:
    stream = io.BytesIO(audio(6, "FLAC"))
    file = FLAC(stream)
    file["albumartist"], file["artist"], file["title"] = "Everybody", "  ", "x" * 5000
    stream.seek(0)
    file.save(stream)
    tags = read_tags(stream, AudioKind.FLAC)
    assert tags.artists == ("Everybody",)
    assert tags.title == "x" * 1000


NAMES = ("Glöckchen 鐘", ("Ärzte",), "Metall")
RECORDING = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
ACOUSTID = "0c1b3a52-79f0-4e12-8c5c-d0e3b5b0c1f4"
ARTIST_ID = "f54ba20c-7da3-4b8b-9b12-22f09b9e2c0f"


def names(tags: MusicTags) -> tuple[str | None, tuple[str, ...], str | None]:
    return tags.title, tags.artists, tags.album


def read(content: bytes) -> MusicTags:
    return read_tags(io.BytesIO(content), sniff(content))


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        *(("matroska", "libopus"), ("webm", "libopus"), ("asf", "wmav2"), ("mp4", "aac"), ("caf", "pcm_s16be")),
        *(("au", "pcm_s16be"), ("aiff", "pcm_s16be"), ("wav", "pcm_s16le"), ("wv", "wavpack"), ("tta", "tta")),
        *(("flv", "libmp3lame"), ("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "flac"), ("opus", "libopus")),
    ],
)
def test_tags_of_every_container_that_ffmpeg_writes(container: str, codec: str) -> None:
    tags = {"title": NAMES[0], "artist": NAMES[1][0], "album": NAMES[2]}
    if container == "aiff":
        # In its text chunks; there is none for albums.
        tags = {"title": NAMES[0], "author": NAMES[1][0]}
    expected = NAMES if container != "aiff" else (*NAMES[:2], None)
    assert names(read(encoded_by_ffmpeg(container, codec, 48_000, tags))) == expected


def id3_tag(**options: Any) -> bytes:
    tag = ID3()
    for frame, text in ((TIT2, NAMES[0]), (TPE1, [*NAMES[1]]), (TALB, NAMES[2])):
        tag.add(frame(encoding=1, text=text))
    stream = io.BytesIO()
    tag.save(stream, **options)
    return stream.getvalue()


def ape_tag(content: bytes, **items: str | list[str]) -> bytes:
    stream = io.BytesIO(content)
    tag = APEv2()
    tag.update(items or {"Title": NAMES[0], "Artist": list(NAMES[1]), "Album": NAMES[2]})
    tag.save(stream)
    return stream.getvalue()


def id3v1(title: bytes, artist: bytes, album: bytes) -> bytes:
    return b"TAG" + b"".join(text.ljust(30, b"\0") for text in (title, artist, album)) + b"\0" * 34 + b"\xff"


def test_id3_before_aac_that_no_container_holds() -> None:
    assert names(read(id3_tag() + encoded_by_ffmpeg("adts", "aac", 44_100))) == NAMES


def test_id3_before_another_container_and_in_front_of_its_own_tags() -> None:
    assert names(read(id3_tag() + encoded_by_ffmpeg("flac", "flac", 44_100))) == NAMES
    own = encoded_by_ffmpeg("flac", "flac", 44_100, {"title": "Own", "artist": "Own", "album": "Own"})
    assert names(read(id3_tag() + own)) == ("Own", ("Own",), "Own")


def test_a_tag_without_names_in_front_of_one_that_has_them(audio: Callable[..., bytes]) -> None:
    tag, stream = ID3(), io.BytesIO()
    tag.add(TXXX(encoding=3, desc="replaygain_track_gain", text="-6.00 dB"))
    tag.save(stream)
    assert names(read(stream.getvalue() + id3_tag() + audio(1, "MP3"))) == NAMES
    assert names(read(id3_tag() + stream.getvalue() + audio(1, "MP3"))) == NAMES


@pytest.mark.parametrize("container", ["mp3", "wv", "tta", "ape"])
def test_a_tag_of_ape_alone(audio: Callable[..., bytes], container: str) -> None:
    content = {
        "mp3": lambda: audio(1, "MP3"),
        "wv": lambda: encoded_by_ffmpeg("wv", "wavpack", 44_100),
        "tta": lambda: encoded_by_ffmpeg("tta", "tta", 44_100),
        # Monkey's Audio 3.99, which nothing here encodes: a head is enough for who reads tags.
        "ape": lambda: b"MAC " + (3990).to_bytes(2, "little") + bytes(400),
    }[container]()
    assert names(read(ape_tag(content))) == NAMES


@pytest.mark.parametrize(
    ("encoding", "written", "title"),
    [
        (0, "Группа крови".encode("cp1251").decode("latin-1"), "Группа крови"),
        # Read as Latin-1 once, and written as Unicode then.
        (1, "Группа крови".encode("cp1251").decode("latin-1"), "Группа крови"),
        (3, "Jóga".encode().decode("latin-1"), "Jóga"),
        (3, "月亮代表我的心".encode("gbk").decode("latin-1"), "月亮代表我的心"),
        (3, "Ágætis byrjun", "Ágætis byrjun"),
        (3, "ÄÄNIVALLI", "ÄÄNIVALLI"),
        (2, "Žižkov \u2013 ÖÖ", "Žižkov \u2013 ÖÖ"),
        (3, "\x1b[31mRed\u202eder\x07", "[31mRedder"),
        (0, "\x1b[31mRed\x9b2J", "[31mRed\u203a2J"),
    ],
)
def test_texts_that_are_not_what_their_frame_says(
    audio: Callable[..., bytes], encoding: int, written: str, title: str
) -> None:
    tag, stream = ID3(), io.BytesIO()
    tag.add(TIT2(encoding=encoding, text=written))
    tag.save(stream)
    assert read(stream.getvalue() + audio(1, "MP3")).title == title


def test_wide_texts_in_the_wrong_order(audio: Callable[..., bytes]) -> None:
    tag, stream = ID3(), io.BytesIO()
    tag.add(TIT2(encoding=2, text="Real Title"))
    tag.save(stream)
    # Encoding 1 needs a mark of the order, which some programs forget.
    content = stream.getvalue().replace(b"\x02\0R", b"\x01\0R", 1)
    assert read(content + audio(1, "MP3")).title == "Real Title"


def test_id3v1_alone_and_behind_a_tag_that_knows_more(audio: Callable[..., bytes]) -> None:
    short = id3v1(b"Gl\xf6ckchen", b"\xc4rzte", b"Metall")
    assert names(read(audio(1, "MP3") + short)) == ("Glöckchen", ("Ärzte",), "Metall")
    assert names(read(ape_tag(audio(1, "MP3")) + short)) == NAMES


def riff_info(content: bytes, *, position: int = 12, **texts: bytes) -> bytes:
    chunks = b"".join(
        name.encode() + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2) for name, text in texts.items()
    )
    info = b"LIST" + struct.pack("<I", 4 + len(chunks)) + b"INFO" + chunks
    return content[:position] + info + content[position:]


@pytest.mark.parametrize("position", [12, None])
def test_the_info_of_a_wav_before_and_behind_its_sound(audio: Callable[..., bytes], position: int | None) -> None:
    content = audio(1, "WAV")
    tagged_content = riff_info(
        content,
        position=len(content) if position is None else position,
        INAM=b"Real Title\0",
        IART=b"Somebody",
        IPRD=b"X",
    )
    assert names(read(tagged_content)) == ("Real Title", ("Somebody",), "X")


@pytest.mark.parametrize(
    ("comments", "artists", "exact"),
    [
        ({"ALBUM ARTIST": "A"}, ("A",), False),
        ({"ALBUM_ARTIST": "A"}, ("A",), False),
        ({"ARTISTS": ["A", "B"]}, ("A", "B"), False),
        ({"ARTISTS": ["A", "B"], "ARTIST": "A feat. B", "ALBUMARTIST": "C"}, ("A", "B"), True),
        ({"PERFORMER": "A (violin)"}, ("A",), False),
        ({"PERFORMER": "A", "ALBUMARTIST": "B"}, ("B",), False),
        ({"ARTIST": "A\0B"}, ("A", "B"), False),
        ({"ARTIST": "A, B & C", "MUSICBRAINZ_ARTISTID": ARTIST_ID}, ("A, B & C",), True),
        ({"ARTIST": "A, B & C", "MUSICBRAINZ_ARTISTID": [ARTIST_ID, RECORDING]}, ("A, B & C",), False),
    ],
)
def test_artists_of_vorbis_comments(comments: dict[str, Any], artists: tuple[str, ...], exact: bool) -> None:
    stream = io.BytesIO(encoded_by_ffmpeg("flac", "flac", 44_100))
    file = FLAC(stream)
    file.update(comments)
    stream.seek(0)
    file.save(stream)
    tags = read_tags(stream, AudioKind.FLAC)
    assert (tags.artists, tags.artists_exact) == (artists, exact)


def ids_in_id3(content: bytes) -> bytes:
    stream = io.BytesIO(content)
    tag = ID3()
    tag.add(UFID(owner="http://musicbrainz.org", data=RECORDING.encode()))
    tag.add(TXXX(encoding=3, desc="Acoustid Id", text=ACOUSTID))
    tag.add(TXXX(encoding=3, desc="MusicBrainz Release Track Id", text=ARTIST_ID))
    tag.add(TSRC(encoding=0, text="USHM80865849"))
    tag.save(stream)
    return stream.getvalue()


def ids_in_mp4(content: bytes) -> bytes:
    stream = io.BytesIO(content)
    file = MP4(stream)
    for name, text in (("MusicBrainz Track Id", RECORDING), ("Acoustid Id", ACOUSTID), ("ISRC", "USHM80865849")):
        file[f"----:com.apple.iTunes:{name}"] = text.encode()
    stream.seek(0)
    file.save(stream)
    return stream.getvalue()


def ids_in_comments(content: bytes) -> bytes:
    stream = io.BytesIO(content)
    file = FLAC(stream)
    file.update({"MUSICBRAINZ_TRACKID": RECORDING.upper(), "ACOUSTID_ID": ACOUSTID, "ISRC": "US-HM8-08-65849"})
    stream.seek(0)
    file.save(stream)
    return stream.getvalue()


def ids_in_asf(content: bytes) -> bytes:
    stream = io.BytesIO(content)
    file = ASF(stream)
    file["MusicBrainz/Track Id"], file["Acoustid/Id"], file["WM/ISRC"] = RECORDING, ACOUSTID, "USHM80865849"
    stream.seek(0)
    file.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "with_ids"),
    [
        ("mp3", "libmp3lame", ids_in_id3),
        ("mp4", "aac", ids_in_mp4),
        ("flac", "flac", ids_in_comments),
        ("asf", "wmav2", ids_in_asf),
        (
            "wv",
            "wavpack",
            lambda content: ape_tag(
                content, MUSICBRAINZ_TRACKID=RECORDING, ACOUSTID_ID=ACOUSTID, ISRC="USHM80865849", Title="x"
            ),
        ),
    ],
)
def test_ids_of_the_recording(container: str, codec: str, with_ids: Callable[[bytes], bytes]) -> None:
    tags = read(with_ids(encoded_by_ffmpeg(container, codec, 44_100)))
    assert (tags.recordings, tags.acoustids, tags.isrc) == ((RECORDING,), (ACOUSTID,), "USHM80865849")


CUE_TEXT = 'TITLE "Album"\r\nFILE "image.wav" WAVE\r\n  TRACK 01 AUDIO\r\n    INDEX 01 00:00:00\r\n' * 40


def cue_in_comment(content: bytes) -> bytes:
    stream = io.BytesIO(content)
    file = FLAC(stream)
    file["cuesheet"] = CUE_TEXT
    stream.seek(0)
    file.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "with_cue"),
    [
        ("flac", "flac", cue_in_comment),
        ("wv", "wavpack", lambda content: ape_tag(content, Cuesheet=CUE_TEXT)),
        ("mp3", "libmp3lame", lambda content: ape_tag(content, Cuesheet=CUE_TEXT)),
    ],
)
def test_a_cue_sheet_in_the_tags_stays_a_text_of_lines(
    container: str, codec: str, with_cue: Callable[[bytes], bytes]
) -> None:
    assert read(with_cue(encoded_by_ffmpeg(container, codec, 44_100))).cue_sheet == CUE_TEXT


def test_a_cue_sheet_that_flac_stores_as_numbers_becomes_a_text() -> None:
    stream = io.BytesIO(encoded_by_ffmpeg("flac", "flac", 44_100))
    file = FLAC(stream)
    block = CueSheet(None)
    for number, start, isrc in ((1, 0, b"GBAYE0601498"), (2, 44_100 * 75, b""), (170, 44_100 * 100, b"")):
        track = CueSheetTrack(number, start, isrc)
        if number == 2:
            track.indexes.append(CueSheetTrackIndex(0, 0))
        track.indexes.append(CueSheetTrackIndex(1, 588 * 3 if number == 2 else 0))
        block.tracks.append(track)
    file.cuesheet = block
    file["cue_track02_title"] = "Second"
    stream.seek(0)
    file.save(stream)
    assert read(stream.getvalue()).cue_sheet == "\n".join(
        [
            *('FILE "" WAVE', "TRACK 1 AUDIO", "ISRC GBAYE0601498", "INDEX 01 00:00:00"),
            *("TRACK 2 AUDIO", 'TITLE "Second"', "INDEX 01 01:15:03"),
        ]
    )


@pytest.mark.parametrize("kind", [None, *AudioKind])
def test_what_is_damaged_or_of_another_kind_says_nothing(kind: AudioKind | None) -> None:
    for content in (b"", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", b"fLaC\x00\x00\x00\x22", b"\x00" * 100):
        assert read_tags(io.BytesIO(content), kind) == MusicTags()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_a_file_is_fatal(audio: Callable[..., bytes], data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(KINDS)))
    form, reader = KINDS[kind]
    content = bytearray(tagged(audio(1, form), reader).getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, min(len(content), 2000) - 1))] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(content)))
    assert isinstance(read_tags(io.BytesIO(bytes(content[:length])), kind), MusicTags)
