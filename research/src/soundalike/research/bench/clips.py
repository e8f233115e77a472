"""The child of `research.bench.extract` for throughput: embeds as many clips as requested, as often as requested."""

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
    embed, close = paths.embedder(path)
    for _ in range(4):
        embed(mp3)
    print("ready", flush=True)
    for line in sys.stdin:
        before = clock.now()
        for _ in range(int(line)):
            embed(mp3)
        print(json.dumps(asdict(clock.now() - before)), flush=True)
    close()


if __name__ == "__main__":
    main()
