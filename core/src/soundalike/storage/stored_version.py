"""A version of files in the bucket: whether it is there as it was published."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from soundalike.errors import ObjectAltered, ObjectMissing, ObjectTooLarge, ObjectTruncated
from soundalike.retry import Backoff, RetryPolicy
from soundalike.storage.artifacts.errors import CorruptVersion, InvalidManifest
from soundalike.storage.artifacts.manifest import MANIFEST, MAX_MANIFEST_BYTES
from soundalike.storage.artifacts.verification import check_digest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from soundalike.storage.artifacts.manifest import VersionManifest
    from soundalike.storage.object_store import ObjectStore, ObjectSummary

    T = TypeVar("T")

# A connection that breaks looks the same as a file that the store has lost.
_TRUNCATED_RETRY: Final = RetryPolicy(attempts=3, backoff=Backoff(initial_s=0.2, max_s=1.0))


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version of a `kind` at a `location` of the bucket, and the SHA-256 (hex) of its manifest in the database."""

    store: ObjectStore
    location: str
    kind: type[VersionManifest]
    manifest_sha256: str | None
    retry: RetryPolicy = _TRUNCATED_RETRY

    async def summaries(self) -> list[ObjectSummary]:
        """Describe its files, having read the first byte of each.

        Raises `CorruptVersion` naming the first that is missing or cannot be read, and `StoreUnavailable`.
        """
        return [await self._read(name, self.store.describe) for name in self.kind.all_files()]

    async def check_sizes(self) -> None:
        """Compare manifest and sizes; raises `CorruptVersion`, `InvalidManifest`, and `StoreUnavailable`."""
        manifest = await self._manifest()
        for name, summary in zip(self.kind.all_files(), await self.summaries(), strict=True):
            if name != MANIFEST and summary.size != manifest.files[name].bytes:
                expected = manifest.files[name].bytes
                raise CorruptVersion(f"{name} has {summary.size} bytes in the bucket instead of {expected}")

    async def check_contents(self) -> None:
        """Read everything and compare it; raises `CorruptVersion`, `InvalidManifest`, and `StoreUnavailable`."""
        await self.check_sizes()
        manifest = await self._manifest()
        for name, entry in manifest.files.items():
            if await self._read(name, self.store.sha256) != entry.sha256:
                raise CorruptVersion(f"{name} was altered in the bucket (SHA-256 differs)")

    async def _manifest(self) -> VersionManifest:
        try:
            stored = await self._read(MANIFEST, partial(self.store.get, max_bytes=MAX_MANIFEST_BYTES))
        except ObjectTooLarge as error:
            raise InvalidManifest(f"{MANIFEST} is too long") from error
        check_digest(stored.data, self.manifest_sha256)
        return self.kind.from_json(stored.data)

    async def _read(self, name: str, read: Callable[[str], Awaitable[T]]) -> T:
        key = f"{self.location.rstrip('/')}/{name}"
        try:
            return await self.retry.run(lambda: read(key), (ObjectTruncated, ObjectAltered))
        except ObjectMissing as error:
            raise CorruptVersion(f"{name} is not in the bucket") from error
        except ObjectTruncated as error:
            raise CorruptVersion(f"{name} cannot be read to its end in the bucket") from error
        except ObjectAltered as error:
            raise CorruptVersion(f"{name} was altered in the bucket (its checksum differs)") from error
