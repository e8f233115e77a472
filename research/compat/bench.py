"""`python -m bench.…`, the name of `python -m soundalike.research.bench.…` until the next release."""

import sys

from soundalike.deprecation import warn
from soundalike.research import bench

# Whoever runs `bench.extract` imports this module first, and finds `extract` where it is now.
__path__ = bench.__path__

if "-m" in sys.orig_argv[:-1]:
    name = sys.orig_argv[sys.orig_argv.index("-m") + 1]
    if name.partition(".")[0] == __name__:
        warn(f"python -m {name}", f"`python -m soundalike.research.{name}`")
