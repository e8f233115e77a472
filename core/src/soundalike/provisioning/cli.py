"""Command line of the setup of schema, bucket and queues."""

from __future__ import annotations

import asyncio
import sys

from soundalike import logs
from soundalike.provisioning.resources import ProvisioningSettings, provision
from soundalike.settings import load


def main() -> None:
    """Provision everything; there are no options."""
    if sys.argv[1:]:
        print("usage: python -m soundalike.provisioning (the settings come from the environment)", file=sys.stderr)
        raise SystemExit(2)
    logs.configure("provisioning")
    asyncio.run(provision(load(ProvisioningSettings)))
