from __future__ import annotations

import pytest

from soundalike.audio.coded_audio.identity import CodedAudio
from soundalike.audio.sniff import AudioKind
from soundalike.crawler.library.file_reader import FileFacts
from soundalike.crawler.library.file_track import file_track
from soundalike.crawler.music_tags import MusicTags
from soundalike.db.aliases import ACOUSTID, ISRC, MUSICBRAINZ_RECORDING, Alias

DIGEST = "5" * 64


def facts(tags: MusicTags | None) -> FileFacts:
    return FileFacts(AudioKind.MP3, CodedAudio(DIGEST, 1000), tags)


@pytest.mark.parametrize(
    ("tags", "path", "title", "artists", "album"),
    [
        (None, b"01 - Some Band - Some Song.mp3", "Some Song", ("Some Band",), None),
        (MusicTags(), b"Somebody/Album/01 - Song.mp3", "Song", ("Somebody",), "Album"),
        (MusicTags(title="Tagged"), b"Some Band - Some Song.mp3", "Tagged", (), None),
        (MusicTags(title="Some Song!"), b"Some Band - Some Song.mp3", "Some Song!", ("Some Band",), None),
        (MusicTags(artists=("Some Band",)), b"Some Band - Some Song.mp3", "Some Song", ("Some Band",), None),
        (MusicTags(artists=("Other",)), b"Love - Hate.mp3", "Love - Hate", ("Other",), None),
        (MusicTags(title="T", artists=("A; B feat. C",)), b"x/y/01.mp3", "T", ("A", "B", "C"), None),
        (None, "Кино - Группа крови.mp3".encode("cp1251"), "Группа крови", ("Кино",), None),
        (None, "Björk - Jóga.mp3".encode("latin-1"), "Jóga", ("Björk",), None),
        (None, "Björk - Jóga.mp3".encode(), "Jóga", ("Björk",), None),
        (None, b"a.b/01 Song.mp3", "Song", (), None),
        (None, b"Mr. Blue", "Mr. Blue", (), None),
        (None, b"R.E.M. - E-Bow", "E-Bow", ("R.E.M.",), None),
        (None, b"a/Vol. 2. Live.FLAC", "Vol. 2. Live", (), None),
        (None, b"x/...Baby.mp3", "...Baby", (), None),
        (None, b"\xff.ogg", "ÿ", (), None),
    ],
)
def test_names_of_a_file(
    tags: MusicTags | None, path: bytes, title: str, artists: tuple[str, ...], album: str | None
) -> None:
    track = file_track(facts(tags), path)
    assert (track.title, track.artists, track.album) == (title, artists, album)


def test_the_credit_is_kept_unless_the_artists_are_exact() -> None:
    doubtful = file_track(facts(MusicTags(artists=("A, B & C",))), b"x.mp3")
    assert (doubtful.artists, doubtful.artist_credit) == (("A, B & C",), ("A, B & C",))
    exact = file_track(facts(MusicTags(artists=("A, B & C",), artists_exact=True)), b"x.mp3")
    assert (exact.artists, exact.artist_credit) == (("A, B & C",), None)
    named = file_track(facts(None), b"A & B - C.mp3")
    assert (named.artists, named.artist_credit) == (("A & B",), ("A & B",))


def test_ids_in_tags_are_aliases() -> None:
    tags = MusicTags(recordings=("r",), acoustids=("s",), isrc="USHM80865849")
    assert file_track(facts(tags), b"x.mp3").aliases == (
        Alias(MUSICBRAINZ_RECORDING, "r"),
        Alias(ACOUSTID, "s"),
        Alias(ISRC, "USHM80865849"),
    )
