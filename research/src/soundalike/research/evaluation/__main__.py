"""`python -m soundalike.research.evaluation`."""

from soundalike.research.evaluation.cli import main

main()
