"""Command line of the catalogue: what is set up once, and how things stand."""

from __future__ import annotations

import asyncio
import sys

from catalog.provisioning import ProvisioningSettings, provision
from soundalike import logs
from soundalike.settings import load


def main() -> None:
    """Run `provision`, the only command."""
    if sys.argv[1:] != ["provision"]:
        print("usage: python -m catalog provision", file=sys.stderr)
        raise SystemExit(2)
    logs.configure("catalog")
    asyncio.run(provision(load(ProvisioningSettings)))
