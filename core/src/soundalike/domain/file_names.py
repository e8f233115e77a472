"""Title, artist and album of music by the name of its file, where nothing else names it.

Read are "Artist - Title", "01 - Artist - Title", "Artist - Album - 03 - Title", "03. Title", "01_artist_-_title" and
"Artist/Album/01 - Title". Where folders or tags say who the artist is, a dash before another name is part of the title.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from soundalike.domain.text import clean
from soundalike.domain.title_notes import NO_ARTIST, YEAR
from soundalike.domain.titles import artist_key, fold, read_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DASH: Final = re.compile(" (?:--|[-~\u2010-\u2015\u2212\uff0d]) ")
_NUMBER: Final = re.compile(r"(?:cd)?(?:\d{1,2}[-.])?\d{1,3}", re.IGNORECASE)
# With something behind it that ends a number, or a zero before it: "50 Cent" and "99 Luftballons" begin otherwise.
_LEADING_NUMBER: Final = re.compile(
    r"(?:[(\[](?:\d{1,2}[-.])?\d{1,3}[)\]] ?[-.]? ?"
    r"|(?:track )?(?:\d{1,2}[-.])?\d{1,3}(?:\)|\.(?!\d)| ?[-\u2010-\u2015](?= )) ?"
    r"|cd ?\d[-.]\d{1,3} (?:[-\u2010-\u2015] )?"
    r"|[a-d]\d{1,2} ?[-.] "
    r"|(?:\d[-.])?0\d |\d-\d\d |0\d\d (?=.+ - ))(?=.*[^\W_])",
    re.IGNORECASE,
)
# Where the folders are called as an artist and an album, the tracks after the ninth have no zero.
_NUMBER_IN_ALBUM: Final = re.compile(r"[1-3]\d (?=[^\W\d_])")
_SCENE: Final = re.compile(r"(?P<number>\d{2,3})-(?P<artist>[^-]+)-(?P<title>[^-]+)(?:-\w+)?")
# As yt-dlp names files; "[Soundtrack.]" is none.
_VIDEO_ID: Final = re.compile(r" \[(?P<id>[\w-]{11})\]")
_WORD: Final = re.compile("[A-Z]?[a-z]+|[A-Z]+")
_COLLECTION: Final = re.compile(
    rf"(?:various|va|v a|compilations?|soundtracks?|ost|mixtapes?|singles|albums|misc|(?:my )?music|downloads?|desktop"
    rf"|unknown(?: \w+)?|unsorted|new|incoming|mp3s?|flac|audio|songs?|tracks?|playlists?|favou?rites|media|home|mnt"
    rf"|{YEAR}s?|\d0s|\w)"
)
_DISC: Final = re.compile(r"(?:cd|dis[ck]|vol(?:ume)?|side|part|lp) ?(?:\d{1,2}|[a-d])(?: .*)?|\d{1,2}", re.IGNORECASE)
_IN_BRACKETS: Final = re.compile(r" ?[(\[](?P<note>[^()\[\]]{1,60})[)\]]")
_EDITION: Final = re.compile(rf"{YEAR}|flac|mp3|kbps|320|v0|web|vinyl", re.IGNORECASE)
_LEADING_YEAR: Final = re.compile(rf"[(\[]?{YEAR}[)\]]?(?: -)? (?=\S)")


@dataclass(frozen=True, slots=True)
class FileName:
    """What a file's name and folders say; None where they do not tell."""

    title: str
    artist: str | None = None
    album: str | None = None


def read_file_name(path: str, artists: Iterable[str] = ()) -> FileName:
    """Read the path of a file below a library's folder, with `/` between names and without the suffix of its kind.

    `artists` are known from elsewhere.
    """
    *folders, name = [part for part in path.split("/") if part] or [""]
    text = _text(name)
    known = {artist_key(artist) for artist in artists}
    number = _LEADING_NUMBER.match(text)
    if number is None and not _DASH.search(text) and (by_folders := _by_folders(folders)).artist:
        number = _NUMBER_IN_ALBUM.match(text) if artist_key(text) != artist_key(by_folders.album or "") else None
    rest = text[number.end() :] if number else text
    named_by_folders = _by_folders(folders) if number and not known else FileName("")
    parts = [part for part in _DASH.split(rest) if part.strip()]
    read = _by_parts(parts)
    if len(parts) < 2 or read is None:
        return FileName(rest, named_by_folders.artist, named_by_folders.album)
    said = known or ({artist_key(named_by_folders.artist)} if named_by_folders.artist else set())
    if said and artist_key(read.artist or "") not in said:
        return FileName(rest, named_by_folders.artist, named_by_folders.album)
    if (
        not said
        and len(parts) == 2
        and artist_key(parts[1]) in {artist_key(_folder_name(each)) for each in folders[-2:]}
    ):
        return FileName(parts[0], parts[1])
    return FileName(read.title, read.artist, read.album or named_by_folders.album)


def _text(name: str) -> str:
    text = clean(name)
    if " " not in text:
        if scene := _SCENE.fullmatch(text):
            if "_" in text:
                text = f"{scene['number']} - {scene['artist']} - {scene['title']}"
        elif "%20" in text:
            text = clean(unquote(text, errors="replace"))
        elif ".-." in text:
            text = text.replace(".", " ")
        text = text.replace("_", " ")
    return " ".join(_VIDEO_ID.sub(_without_id, text).split()) or clean(name)


def _without_id(match: re.Match[str]) -> str:
    return match[0] if _WORD.fullmatch(match["id"]) else ""


def _without_edition(match: re.Match[str]) -> str:
    return "" if _EDITION.search(match["note"]) else match[0]


def _by_parts(parts: Sequence[str]) -> FileName | None:
    """Read "Artist - Title" with what may stand between; None where the first part is no artist."""
    if len(parts) < 2:
        return None
    first, *others = parts
    if len(others) > 1 and fold(first) in NO_ARTIST:
        return _by_parts(others)
    for place, part in enumerate(others[:-1]):
        if _NUMBER.fullmatch(part):
            return FileName(" - ".join(others[place + 1 :]), first, _album(others[:place]))
    if numbered := _LEADING_NUMBER.match(others[-1]):
        return FileName(others[-1][numbered.end() :], first, _album(others[:-1]))
    title = " - ".join(others)
    # "Song - Live" and "Song - Remastered 2011" name no artist.
    if read_title(f"{first} - {title}").core == fold(first) or fold(first) in NO_ARTIST:
        return None
    return FileName(title, first)


def _album(parts: Sequence[str]) -> str | None:
    """Return the album that stands between an artist and a number, without its year."""
    return " - ".join([part for part in parts if not re.fullmatch(rf"[(\[]?{YEAR}[)\]]?", part)] or parts) or None


def _by_folders(folders: Sequence[str]) -> FileName:
    """Read "Artist/Album", or "Artist - Album" in one folder, both with discs below."""
    names = [_folder_name(folder) for folder in folders if not _DISC.fullmatch(_folder_name(folder))]
    if not names:
        return FileName("")
    parts = [part for part in _DASH.split(names[-1]) if not re.fullmatch(YEAR, part)]
    if len(parts) > 1:
        artist = None if fold(parts[0]) in NO_ARTIST else parts[0]
        return FileName("", artist, " - ".join(parts[1:]))
    if len(names) < 2 or _COLLECTION.fullmatch(fold(names[-2])) or _COLLECTION.fullmatch(fold(names[-1])):
        return FileName("")
    return FileName("", None if fold(names[-2]) in NO_ARTIST else names[-2], names[-1])


def _folder_name(folder: str) -> str:
    text = clean(folder)
    text = text.replace("_", " ") if " " not in text else text
    return _LEADING_YEAR.sub("", _IN_BRACKETS.sub(_without_edition, " ".join(text.split())).strip(), count=1) or text
