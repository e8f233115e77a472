"""The child of `research.bench.extract` for throughput: hears as many clips as it is told, as often as it is told."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from soundalike.research.bench import clock, paths
from soundalike.research.bench.preview import preview


def main() -> None:
    """Answer each line of stdin, a number of clips, by one line of JSON: what hearing them cost."""
    core, path = int(sys.argv[1]), sys.argv[2]
    clock.pin(core)
    mp3 = preview()
    hear, close = paths.embedder(path)
    for _ in range(4):
        hear(mp3)
    print("ready", flush=True)
    for line in sys.stdin:
        before = clock.now()
        for _ in range(int(line)):
            hear(mp3)
        print(json.dumps(asdict(clock.now() - before)), flush=True)
    close()


if __name__ == "__main__":
    main()
