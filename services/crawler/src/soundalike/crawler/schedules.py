"""When lists and libraries are due again after a crawl of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from soundalike.crawler.errors import InvalidTarget, SourceLocked
from soundalike.db import libraries, playlists
from soundalike.http.errors import QuotaExhausted, ServiceRefused

if TYPE_CHECKING:
    from soundalike.db.database import Pool
    from soundalike.db.libraries import Library
    from soundalike.errors import SoundalikeError

UNKNOWN_WAIT: Final = timedelta(hours=1)
"""Where nothing says when another try is worth it."""

_LOCKED_WAIT: Final = timedelta(minutes=10)


async def schedule(
    pool: Pool,
    urn: str,
    failure: SoundalikeError | None,
    *,
    failed: int,
    interval: timedelta | None = None,
) -> None:
    """Say when a list that was crawled is due again, if it is: sooner where the run did not come to its end.

    `interval` is how often from now on (see `db.playlists.schedule`).
    """
    sooner, not_before = _sooner(failure, failed), None
    if isinstance(failure, QuotaExhausted) and failure.wait_s is not None:
        not_before = sooner
    error = str(failure) if failure else None
    await playlists.schedule(pool, urn, interval, retry_in=sooner, not_before=not_before, error=error)


async def schedule_scan(
    pool: Pool,
    library: Library,
    failure: SoundalikeError | None,
    *,
    failed: int,
    interval: timedelta | None = None,
) -> None:
    """Say when a library that was scanned is due again, as `schedule` does for a list."""
    await libraries.schedule(pool, library, interval, retry_in=_sooner(failure, failed))


def _sooner(failure: SoundalikeError | None, failed: int) -> timedelta | None:
    """Return after what time to try again what did not come to its end, None where another try changes nothing."""
    match failure:
        case QuotaExhausted(wait_s=wait_s) if wait_s is not None:
            return timedelta(seconds=wait_s)
        case SourceLocked():
            return _LOCKED_WAIT
        case ServiceRefused() | InvalidTarget():
            return None
    return UNKNOWN_WAIT if failure or failed else None
