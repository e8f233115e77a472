"""Albums in one file: which files of a folder a cue sheet cuts into tracks, and into which."""

from __future__ import annotations

import os
import stat
import unicodedata
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from soundalike.audio.audio_files import is_named_like_audio, without_suffix
from soundalike.audio.decode import MIN_SECONDS
from soundalike.crawler.errors import CueSheetUnusable
from soundalike.crawler.library.cue_sheet import MAX_CUE_SHEET_BYTES, parse, segments
from soundalike.crawler.library.file_track import file_track
from soundalike.crawler.music_tags import MusicTags
from soundalike.domain.file_identity import segment_id
from soundalike.domain.file_paths import display_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soundalike.crawler.library.cue_sheet import CueFile, CueSegment, CueSheet
    from soundalike.crawler.library.file_reader import FileFacts
    from soundalike.db.tracks import Track

SHEET: Final = "cue sheets"
SHEET_WITHOUT_FILE: Final = "cue sheets whose music file is missing"
UNUSABLE_SHEET: Final = "cue sheets that cannot be used"
CUT: Final = "albums in one file, cut into their tracks"
UNFIT: Final = "albums in one file that their cue sheet does not fit"
SHORT_TRACK: Final = f"tracks of cue sheets that are shorter than {MIN_SECONDS:g} seconds"


@dataclass(frozen=True, slots=True)
class Cutting:
    """What a sheet says of a file."""

    sheet: CueSheet
    file: CueFile


@dataclass(frozen=True, slots=True)
class FolderSheets:
    """The cue sheets of a folder, by names: how a file is cut, what a sheet counts as, and what is wrong with it."""

    cuttings: Mapping[bytes, Cutting] = field(default_factory=dict)
    kinds: Mapping[bytes, str] = field(default_factory=dict)
    problems: Mapping[bytes, str] = field(default_factory=dict)


def is_cue_sheet(path: bytes) -> bool:
    """Tell whether a file is a cue sheet by its name."""
    return path[-4:].lower() == b".cue"


def read_folder(folder: bytes) -> FolderSheets:
    """Read the cue sheets of a folder; of several for a file the first counts.

    Files that are tracks already, one for each track, are not cut.
    """
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names as bytes
    except OSError:
        return FolderSheets()
    cuttings: dict[bytes, Cutting] = {}
    kinds: dict[bytes, str] = {}
    problems: dict[bytes, str] = {}
    for name in filter(is_cue_sheet, names):
        try:
            sheet = parse(_read(os.path.join(folder, name)))  # noqa: PTH118 - bytes
        except (OSError, CueSheetUnusable) as error:
            kinds[name], problems[name] = UNUSABLE_SHEET, str(error)
            continue
        kinds[name] = SHEET
        for cue_file in sheet.files:
            file = _find(cue_file, sheet, name, names)
            if file is None:
                kinds[name], problems[name] = SHEET_WITHOUT_FILE, f"{cue_file.name} is missing"
            elif len(cue_file.tracks) > 1:
                cuttings.setdefault(file, Cutting(sheet, cue_file))
    return FolderSheets(cuttings, kinds, problems)


def embedded(tags: MusicTags | None) -> Cutting | None:
    """Return how the cue sheet in a file's tags cuts it, or None where it has none that can be used."""
    if tags is None or tags.cue_sheet is None:
        return None
    try:
        sheet = parse(tags.cue_sheet.encode())
    except CueSheetUnusable:
        return None
    return Cutting(sheet, sheet.files[0]) if len(sheet.files) == 1 and len(sheet.files[0].tracks) > 1 else None


def cut(facts: FileFacts, path: bytes, cutting: Cutting) -> Sequence[tuple[CueSegment, Track]]:
    """Return the parts of a file with the tracks that they are; raises `CueSheetUnusable` where the sheet cannot fit.

    What the sheet does not say is taken from the tags of the file.
    """
    duration_ms = facts.audio.duration_ms or (facts.tags.duration_ms if facts.tags else None)
    if duration_ms is None:
        raise CueSheetUnusable("the length of the file is not known")
    return [(part, _track(facts, path, cutting.sheet, part)) for part in segments(cutting.file, duration_ms)]


def _track(facts: FileFacts, path: bytes, sheet: CueSheet, part: CueSegment) -> Track:
    tags = facts.tags or MusicTags()
    performer = part.track.performer or sheet.performer
    own = MusicTags(
        title=part.track.title or f"Track {part.track.number}",
        artists=(performer,) if performer else tags.artists,
        artists_exact=not performer and tags.artists_exact,
        album=sheet.title or tags.album,
        isrc=part.track.isrc,
    )
    track = file_track(replace(facts, tags=own), path)
    return replace(
        track,
        id=segment_id(facts.audio.digest, part.start_ms, part.end_ms),
        duration_ms=part.end_ms - part.start_ms,
        fronts=(),
    )


def _find(cue_file: CueFile, sheet: CueSheet, sheet_name: bytes, names: Sequence[bytes]) -> bytes | None:
    """Return the file of a folder that a sheet means: called so, or so but for case, or with another kind of audio.

    A sheet for one file may be called as it is, with or without its suffix: album.cue, album.flac.cue.
    """
    called = PurePosixPath(cue_file.name.replace("\\", "/")).name
    for same in (_exact, _folded):
        if file := next((name for name in names if same(display_path(name)) == same(called)), None):
            return file
    sheet_path = Path(display_path(sheet_name)).with_suffix("")
    stems = [Path(called).stem, *([sheet_path.name, without_suffix(sheet_path).name] if len(sheet.files) == 1 else [])]
    audio = [name for name in names if is_named_like_audio(Path(display_path(name)))]
    return next(
        (name for stem in stems for name in audio if _folded(Path(display_path(name)).stem) == _folded(stem)), None
    )


def _exact(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _read(path: bytes) -> bytes:
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise CueSheetUnusable("it is no regular file")
        return stream.read(MAX_CUE_SHEET_BYTES + 1)
