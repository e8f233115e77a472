"""`python open_and_search.py FOLDER …`: open and search each version; what a wrong number crashes is this process.

Prints a line for each folder before it is opened, and one after it: what refused it, or how many results there were.
"""

import resource
import sys
from pathlib import Path

import numpy as np

from soundalike.similarity.index.version import IndexVersion
from soundalike.similarity.taste.version import TasteVersion
from soundalike.storage.artifacts.errors import ArtifactError
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.atomic_files import sha256_of

_MAX_ADDRESS_SPACE = 4 * 1024**3


def main() -> None:
    """Take one folder after the other."""
    # A version of some kilobytes that takes gigabytes is as bad as one that crashes.
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_ADDRESS_SPACE, _MAX_ADDRESS_SPACE))
    for argument in sys.argv[1:]:
        folder = Path(argument)
        print(folder.name, flush=True)
        try:
            results = _search(folder)
        except ArtifactError as error:
            print(f"refused: {error}", flush=True)
        else:
            print(f"searched: {results}", flush=True)


def _search(folder: Path) -> int:
    digest = sha256_of(folder / MANIFEST)
    if (folder / "starts.npy").exists():
        taste = TasteVersion.open(folder, digest)
        urns = taste._urns.tolist()
        return sum(len(taste.similar_tracks([urn.decode()], 50)) for urn in urns)
    with IndexVersion.open(folder, digest) as version:
        own = version.sample(20)
        others = np.random.default_rng(0).normal(size=(20, own.shape[1])).astype(np.float32)
        raw = np.ones((1, version.projection.input_dimensions), np.float32)
        queries = [*own, *others, *version.projection.apply(raw)]
        return sum(len(version.search(query, k)) for query in queries for k in (1, 10, 60))


if __name__ == "__main__":
    main()
