"""Answers `GET /recommend?track=`: the published index version plus the vectors that are newer."""

import os

# Requests share the cores already: with threads inside NumPy as well, an answer costs up to four times the CPU time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
