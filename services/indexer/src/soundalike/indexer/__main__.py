"""`python -m soundalike.indexer`."""

from soundalike.indexer.cli import main

main()
