"""`python -m soundalike.local.store`."""

from soundalike.local.store.cli import main

main()
