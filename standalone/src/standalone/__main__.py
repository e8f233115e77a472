"""`python -m standalone`, the same as `soundalike`."""

from standalone.cli import main

main()
