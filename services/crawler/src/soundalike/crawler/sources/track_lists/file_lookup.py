"""Which of one's own files the entries of a list mean: those in libraries, and those near the list."""

from __future__ import annotations

import asyncio
import os
import posixpath
import stat
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from soundalike.crawler.sources.track_lists.file_address import fold_path
from soundalike.db import libraries, location_paths
from soundalike.db.locations import segment_times
from soundalike.domain.file_paths import path_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from soundalike.crawler.sources.track_lists.file_address import FileAddress
    from soundalike.db.database import Pool
    from soundalike.db.libraries import Library
    from soundalike.db.location_paths import LocatedTrack

NOT_THERE: Final = "file not found"
NO_MUSIC: Final = "no file that is analysed"
AMBIGUOUS: Final = "several files could be meant"
OUTSIDE: Final = "file outside of the list's folder and of every library; crawl its folder first"

_CHUNK: Final = 20_000
"""Entries that are looked up at a time, in one reading of all paths."""


@dataclass(frozen=True, slots=True)
class TracksOfFile:
    """The tracks of a file that is known, several for one that a cue sheet cuts."""

    urns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnknownFile:
    """A file that is there, and that nobody has read yet; `library` is the one that it lies in."""

    path: bytes
    library: Library | None


@dataclass(frozen=True, slots=True)
class MissingFile:
    """No file that could be read, with the reason."""

    reason: str


FileMatch: TypeAlias = TracksOfFile | UnknownFile | MissingFile


@dataclass(slots=True)
class FileLookup:
    """Looks entries up, first as they are written, then with other case and composition, then by their last names.

    No file is opened, and none is given back that lies outside of libraries and of the list's folder: a list that came
    from elsewhere must not make us read whatever it names.
    """

    pool: Pool
    folder: bytes
    _libraries: list[Library] = field(default_factory=list, init=False)
    _folders: dict[bytes, Mapping[str, bytes]] = field(default_factory=dict, init=False)
    _real_folders: dict[bytes, bytes] = field(default_factory=dict, init=False)

    async def match(self, addresses: Sequence[FileAddress]) -> list[FileMatch]:
        """Return what each entry means."""
        self._libraries = await libraries.all_libraries(self.pool)
        matches: list[FileMatch] = []
        for start in range(0, len(addresses), _CHUNK):
            matches += await self._match(addresses[start : start + _CHUNK])
        return matches

    async def _match(self, unresolved: Sequence[FileAddress]) -> list[FileMatch]:
        addresses = await asyncio.to_thread(lambda: list(map(self._with_links_followed, unresolved)))
        matches: dict[int, FileMatch] = dict(await self._as_written(addresses))
        for step in (self._on_disk, self._by_folded_names, self._on_disk_by_folded_names):
            rest = {place: address for place, address in enumerate(addresses) if place not in matches}
            if rest:
                matches |= await step(rest)
        return [matches.get(place) or self._missing(address) for place, address in enumerate(addresses)]

    def _with_links_followed(self, address: FileAddress) -> FileAddress:
        """Add to paths that lead elsewhere where their folders really are: a folder of music is often a link."""
        paths = [
            real
            for path in address.paths
            for real in ([path] if self._is_below_base(path) else [path, self._with_real_folder(path)])
        ]
        return replace(address, paths=tuple(dict.fromkeys(paths)))

    def _with_real_folder(self, path: bytes) -> bytes:
        folder, name = posixpath.split(path)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        return posixpath.join(self._real_folders[folder], name)

    async def _as_written(self, addresses: Sequence[FileAddress]) -> Mapping[int, FileMatch]:
        wanted = {path: place for address in addresses for path in address.paths if (place := self._place(path))}
        places = [(library.id, path) for library, path in dict.fromkeys(wanted.values())]
        tracks: dict[tuple[int, bytes], list[LocatedTrack]] = defaultdict(list)
        for start in range(0, len(places), _CHUNK):
            for track in await location_paths.at(self.pool, places[start : start + _CHUNK]):
                tracks[track.library, track.path].append(track)
        matches: dict[int, FileMatch] = {}
        for number, address in enumerate(addresses):
            files = [tracks[library.id, path] for library, path in (wanted[p] for p in address.paths if p in wanted)]
            # What lies there goes before what lay there.
            best = min(filter(None, files), key=lambda file: all(track.is_gone for track in file), default=None)
            if best:
                reason = next((track.ignored for track in best if track.ignored), NOT_THERE)
                matches[number] = _tracks_of(best) or MissingFile(f"{NO_MUSIC} ({reason})")
        return matches

    async def _on_disk(self, addresses: Mapping[int, FileAddress]) -> Mapping[int, FileMatch]:
        return await asyncio.to_thread(
            lambda: {
                number: file
                for number, address in addresses.items()
                if (file := next(filter(None, map(self._file, address.paths)), None))
            }
        )

    async def _by_folded_names(self, addresses: Mapping[int, FileAddress]) -> Mapping[int, FileMatch]:
        """Read every path of every library once, and compare it with what is looked for."""
        by_path, by_names = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
        for number, address in addresses.items():
            for path in address.paths:
                by_path[fold_path(path_text(path))].append(number)
            for key in _ends(address):
                by_names[key].append(number)
        whole: dict[int, set[TracksOfFile]] = defaultdict(set)
        ends: dict[int, dict[int, set[TracksOfFile]]] = defaultdict(lambda: defaultdict(set))
        for library in self._libraries:
            root = path_text(library.root).rstrip("/")
            root_name = fold_path(root.rpartition("/")[2])
            async for path, tracks in _files(self.pool, library):
                below = fold_path(path_text(path))
                for number in by_path.get(f"{fold_path(root)}/{below}", ()):
                    whole[number].add(tracks)
                depth = below.count("/") + 1
                for number in by_names.get(below, ()):
                    if depth > 1 or _is_alone_or_below(addresses[number], below, root_name):
                        ends[number][depth].add(tracks)
        longest = {number: depths[max(depths)] for number, depths in ends.items()}
        return {
            number: next(iter(files)) if len(files) == 1 else MissingFile(AMBIGUOUS)
            for number, files in {**longest, **whole}.items()
        }

    async def _on_disk_by_folded_names(self, addresses: Mapping[int, FileAddress]) -> Mapping[int, FileMatch]:
        return await asyncio.to_thread(
            lambda: {
                number: file for number, address in addresses.items() if (file := self._file_by_folded_names(address))
            }
        )

    def _file_by_folded_names(self, address: FileAddress) -> UnknownFile | None:
        for path in address.paths:
            base = next((base for base in self._bases() if path.startswith(_with_slash(base))), None)
            if base is not None and (file := self._descend(base, path_text(path[len(_with_slash(base)) :]).split("/"))):
                return file
        folder_name = fold_path(path_text(self.folder.rpartition(b"/")[2]))
        for names in address.names:
            for start in range(len(names)):
                below = fold_path("/".join(names[start:]))
                if ("/" in below or _is_alone_or_below(address, below, folder_name)) and (
                    file := self._descend(self.folder, names[start:])
                ):
                    return file
        return None

    def _descend(self, base: bytes, names: Sequence[str]) -> UnknownFile | None:
        """Return the file of these names below a folder, in any case and composition of letters."""
        path = base
        for name in names:
            child = self._names_in(path).get(fold_path(name))
            if child is None:
                return None
            path = posixpath.join(path, child)
        return self._file(path)

    def _names_in(self, folder: bytes) -> Mapping[str, bytes]:
        if folder not in self._folders:
            try:
                self._folders[folder] = {fold_path(path_text(name)): name for name in sorted(os.listdir(folder))}  # noqa: PTH208 - bytes
            except OSError:
                self._folders[folder] = {}
        return self._folders[folder]

    def _file(self, path: bytes) -> UnknownFile | None:
        """Return the file at a path if it lies where files may be read, links followed."""
        if not self._is_below_base(path):
            return None
        try:
            real = os.path.realpath(path, strict=True)
            is_file = self._is_below_base(real) and stat.S_ISREG(os.stat(real).st_mode)  # noqa: PTH116 - bytes
        except OSError:
            return None
        if not is_file:
            return None
        place = self._place(real)
        return UnknownFile(real, place[0] if place else None)

    def _place(self, path: bytes) -> tuple[Library, bytes] | None:
        for library in self._libraries:
            root = _with_slash(library.root)
            if path.startswith(root):
                return library, path[len(root) :]
        return None

    def _bases(self) -> Iterator[bytes]:
        yield self.folder
        yield from (library.root for library in self._libraries)

    def _is_below_base(self, path: bytes) -> bool:
        return any(path.startswith(_with_slash(base)) for base in self._bases())

    def _missing(self, address: FileAddress) -> MissingFile:
        return MissingFile(NOT_THERE if not address.paths or any(map(self._is_below_base, address.paths)) else OUTSIDE)


async def _files(pool: Pool, library: Library) -> AsyncIterator[tuple[bytes, TracksOfFile]]:
    """Yield the path of every file of a library that holds tracks, with these."""
    located: list[LocatedTrack] = []
    async for track in location_paths.stream(pool, library):
        if located and track.path != located[0].path:
            if tracks := _tracks_of(located):
                yield located[0].path, tracks
            located = []
        located.append(track)
    if located and (tracks := _tracks_of(located)):
        yield located[0].path, tracks


def _tracks_of(located: Sequence[LocatedTrack]) -> TracksOfFile | None:
    """Return the tracks of one file, those of a cue sheet from its beginning to its end; None for a file without."""
    tracks = [track for track in located if track.urn]
    present = [track for track in tracks if not track.is_gone] or tracks
    urns = [track.urn for track in sorted(present, key=_beginning) if track.urn]
    return TracksOfFile(tuple(urns)) if urns else None


def _beginning(track: LocatedTrack) -> int:
    times = segment_times(track.segment)
    return times[0] if times else 0


def _ends(address: FileAddress) -> set[str]:
    return {fold_path("/".join(names[start:])) for names in address.names for start in range(len(names))}


def _is_alone_or_below(address: FileAddress, name: str, folder: str) -> bool:
    """Tell whether an entry has nothing but a name, or the name of the folder before it: one name says too little."""
    ends = [[fold_path(each) for each in names[-2:]] for names in address.names]
    return [name] in ends or [folder, name] in ends


def _with_slash(folder: bytes) -> bytes:
    return folder.rstrip(b"/") + b"/"
