"""`python -m soundalike.research.training`."""

from soundalike.research.training.cli import main

main()
