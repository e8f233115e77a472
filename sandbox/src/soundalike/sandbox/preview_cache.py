"""Composed previews on disk, so that the next run need not compose them."""

import hashlib
import logging
import os
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final

import soundfile

_logger = logging.getLogger(__name__)

_PACKAGE: Final = Path(__file__).parent
# What the sound of a piece depends on: our code, and the libraries that compute and encode it.
_SOURCES: Final = ("composer.py", "mixer.py", "synthesis.py", "theory.py", "styles/*.py")
_LIBRARIES: Final = ("numpy", "scipy", "soundfile")
_DIGEST_BYTES: Final = 32


def composer_version(package: Path = _PACKAGE) -> str:
    """Return a text that changes with everything that can change the previews; `package` holds the sandbox's code."""
    digest = hashlib.sha256()
    for file in source_files(package):
        digest.update(f"{file.relative_to(package)} ".encode() + hashlib.sha256(file.read_bytes()).digest())
    libraries = [f"{name} {version(name)}" for name in _LIBRARIES]
    return "; ".join((digest.hexdigest(), *libraries, soundfile.__libsndfile_version__))


def source_files(package: Path = _PACKAGE) -> list[Path]:
    """Return the modules that decide how a piece sounds, in a fixed order."""
    return sorted(file for pattern in _SOURCES for file in package.glob(pattern))


class PreviewCache:
    """Previews by name in one folder: a checksum of 32 bytes, then the audio.

    The checksum is over the composer's version, the name and the audio. A file that is damaged, belongs to another name
    or was written by another composer is therefore as good as none, and is replaced.
    """

    def __init__(self, folder: Path, composer: str | None = None) -> None:
        self._folder = folder
        self._composer = composer_version() if composer is None else composer

    def get(self, name: str) -> bytes | None:
        """Return the preview with a name, or None where there is no valid one."""
        try:
            content = self._path(name).read_bytes()
        except OSError:
            return None
        checksum, audio = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        return audio if checksum == self._checksum(name, audio) else None

    def put(self, name: str, audio: bytes) -> None:
        """Store a preview; where that fails, it is logged, and the next run composes it again."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._path(name), self._checksum(name, audio) + audio)
        except OSError as error:
            _logger.warning("cannot store the preview %s in %s: %s", name, self._folder, error.strerror)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.preview"

    def _checksum(self, name: str, audio: bytes) -> bytes:
        head = f"{self._composer}\n{name}\n".encode()
        return hashlib.sha256(head + audio).digest()

    def _write(self, path: Path, content: bytes) -> None:
        # Under another name until it is complete: another sandbox may read meanwhile, or this one may be killed.
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise
