"""`python -m soundalike.sandbox`."""

from soundalike.sandbox.cli import main

main()
