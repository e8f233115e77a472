"""Finding the published weights: a named file, the cache, or their author's repository."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from soundalike.extractor.errors import WeightsDamaged, WeightsUnavailable
from soundalike.storage.atomic_files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

ADDRESS: Final = (
    "https://raw.githubusercontent.com/keunwoochoi/music-auto_tagging-keras/"
    "a3e105d0c4c529c512cc197ad8770ff1cc52aa32/compact_cnn/weights_layer4_theano.hdf5"
)
SHA256: Final = "caf89f811415691fbb245be7eef394b9cebd787d7e3f78e29695972141cf2a08"
_SIZE: Final = 1_329_264
_CACHED_AS: Final = f"choi-2017-{SHA256[:8]}.hdf5"


def default_cache() -> Path:
    """Return the folder that keeps downloaded weights (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "soundalike"


def download(address: str) -> bytes:
    """Fetch the weights; raises `httpx.HTTPError`, and `ValueError` for an answer that is far too large."""
    content = bytearray()
    with httpx.stream("GET", address, timeout=httpx.Timeout(30.0, connect=5.0)) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > 2 * _SIZE:
                raise ValueError("the answer is larger than the weights can be")
    return bytes(content)


def published_weights(
    named: Path | None = None, cache: Path | None = None, fetch: Callable[[str], bytes] = download
) -> bytes:
    """Return the content of the published weights file, its checksum checked.

    `named` (CHOI_WEIGHTS) is the file to use; without it the `cache` folder (MODEL_CACHE) is looked into and filled.
    Raises `WeightsUnavailable`, `WeightsDamaged`.
    """
    if named is not None:
        try:
            return _checked(named.read_bytes(), f"CHOI_WEIGHTS={named}")
        except OSError as error:
            raise WeightsUnavailable(f"CHOI_WEIGHTS names {named}, which cannot be read: {error.strerror}") from error
    cached = (cache or default_cache()) / _CACHED_AS
    if cached.is_file():
        try:
            return _checked(cached.read_bytes(), str(cached))
        except (OSError, WeightsDamaged) as error:
            log.warning("fetching the weights anew: %s", error)
    try:
        content = fetch(ADDRESS)
    except (httpx.HTTPError, ValueError) as error:
        raise WeightsUnavailable(
            f"the network's weights are neither in {cached.parent} nor could they be fetched from {ADDRESS} "
            f"({str(error) or type(error).__name__}). Fetch that file on a machine that can, and set CHOI_WEIGHTS to "
            "its path; MODEL=soundalike-1 needs no file"
        ) from error
    content = _checked(content, ADDRESS)
    _keep(cached, content)
    return content


def _checked(content: bytes, where: str) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise WeightsDamaged(f"{where} has sha256 {found} instead of {SHA256}: it is another file, or a damaged one")
    return content


def _keep(target: Path, content: bytes) -> None:
    """Put the weights into the cache whole or not at all; a cache that cannot be written only costs the next start."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as part:
            part.write_bytes(content)
    except OSError as error:
        log.warning("the weights were fetched but cannot be kept in %s: %s", target.parent, error.strerror)
