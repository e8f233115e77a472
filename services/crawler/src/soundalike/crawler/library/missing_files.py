"""What is gone at the end of a scan: stored as such only where that can be right."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from soundalike.crawler.errors import SourceUnavailable
from soundalike.crawler.library.scan_record import GONE
from soundalike.db import gone_tracks, libraries
from soundalike.db.database import in_transaction
from soundalike.db.gone_tracks import MissingLocations
from soundalike.domain.file_paths import display_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from soundalike.crawler.library.scan_record import ScanRecord
    from soundalike.db.database import Pool
    from soundalike.db.locations import StoredLocation
    from soundalike.http.errors import ServiceError

_MAX_GONE_SHARE: Final = 0.1


@dataclass(slots=True)
class MissingFiles:
    """The stored locations at which a scan met no file, and those whose file is something else now.

    `files` is how many files there are; `notice` is what a person has to be told at the end.
    """

    pool: Pool
    record: ScanRecord
    files: int = field(default=0, init=False)
    notice: str | None = field(default=None, init=False)
    _missing: list[StoredLocation] = field(default_factory=list, init=False)
    _replaced: list[StoredLocation] = field(default_factory=list, init=False)

    def add(self, stored: Sequence[StoredLocation]) -> None:
        """Add the locations of a file that was not met."""
        self._missing += [row for row in stored if not row.is_gone]

    def add_replaced(self, stored: Iterable[StoredLocation]) -> None:
        """Add locations whose file was met, and no longer holds what is stored of them."""
        self._replaced += stored

    async def store(self, known: int, ask: Callable[[str], bool] | None, *, accept_gone: bool) -> ServiceError | None:
        """Store what is gone of `known` files, as far as that can be right; returns why a folder cannot be judged."""
        library, name = self.record.library, self.record.name
        if (reason := self.record.unreadable.get(self.record.subfolder.path)) is not None:
            return SourceUnavailable(f"{name} cannot be read ({reason}); nothing of it was removed")
        replaced = MissingLocations(library, *_places(self._replaced))
        await in_transaction(self.pool, lambda db: gone_tracks.mark(db, replaced))
        missing = [row for row in self._missing if not self.record.is_unreadable(row.path)]
        if not self.files and any(row.urn for row in missing):
            return SourceUnavailable(
                f"{name} is empty: is its disk mounted? Nothing of it was removed. To forget the folder: "
                f"soundalike library remove {shlex.quote(name)}"
            )
        rows = MissingLocations(library, *_places(missing))
        lost = await gone_tracks.count_lost(self.pool, rows)
        if lost > 1 and lost > _MAX_GONE_SHARE * known and not accept_gone:
            place = display_path(library.root)
            what = f"the files of {lost} tracks are gone at once from {place}, which had {known} files of music"
            if ask is None or not ask(f"{what}. Take these tracks out of search and answers?"):
                self.notice = (
                    f"{what}; nothing was removed, as a disk may not be mounted. If it is right that they are gone: "
                    f"soundalike crawl --accept-gone --folder {shlex.quote(display_path(library.root))}"
                )
                return None
        count = await in_transaction(self.pool, lambda db: gone_tracks.mark(db, rows))
        self.record.changes[GONE] += count
        if not self.record.subfolder.path:
            await libraries.mark_scanned(self.pool, library)
        return None


def _places(rows: Sequence[StoredLocation]) -> tuple[list[bytes], list[str]]:
    return [row.path for row in rows], [row.segment for row in rows]
