"""`python -m soundalike.provisioning`."""

from soundalike.provisioning.cli import main

main()
