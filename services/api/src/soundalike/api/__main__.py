"""`python -m soundalike.api`."""

from soundalike.api.cli import main

main()
