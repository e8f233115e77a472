"""`python -m soundalike.local`, the same as `soundalike`."""

from soundalike.local.cli import main

main()
