"""Command line of the store: where it listens; keys and folders come from the environment."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
from typing import TYPE_CHECKING, NoReturn

import uvicorn

from soundalike import open_files
from soundalike.local.store.application import Store
from soundalike.local.store.emulator import Emulator
from soundalike.local.store.server import configuration
from soundalike.local.store.signature import Credentials

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

log = logging.getLogger(__name__)

EX_CONFIG = 78
_MAX_DESCRIPTORS = 16_384

# The keys of ministack's own examples and its account numbers, which everybody knows.
_KNOWN_KEYS = re.compile(r"test|\d{12}")
_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9_-]{3,128}")
_SHORTEST_SECRET = 16
# ministack looks at a hundred variables, some of which open ports, run scripts or look for a Docker engine.
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
_OURS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "S3_DATA_DIR", "STATE_DIR")


def main() -> None:
    """Serve until SIGTERM or SIGINT; exits with 78 where the environment does not allow it."""
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        credentials = read_credentials(os.environ)
        environment = _environment(os.environ)
    except ValueError as error:
        log.critical("%s", error)
        raise SystemExit(EX_CONFIG) from error
    os.environ.clear()
    os.environ.update(environment)
    os.umask(0o077)
    open_files.raise_limit(_MAX_DESCRIPTORS)
    # uvicorn raises the signal again once everything has ended.
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    store = Store(Emulator(credentials, arguments.port), credentials)
    uvicorn.Server(configuration(store, arguments.host, arguments.port)).run()


def read_credentials(environment: Mapping[str, str]) -> Credentials:
    """Read the keys; raises `ValueError` where they are missing, well known or short."""
    key, secret = environment.get("AWS_ACCESS_KEY_ID", ""), environment.get("AWS_SECRET_ACCESS_KEY", "")
    if not _ACCESS_KEY_ID.fullmatch(key) or _KNOWN_KEYS.fullmatch(key):
        raise ValueError("AWS_ACCESS_KEY_ID must be set to a key of your own (letters, digits, - and _).")
    if len(secret) < _SHORTEST_SECRET:
        raise ValueError(f"AWS_SECRET_ACCESS_KEY must be set to a secret of at least {_SHORTEST_SECRET} characters.")
    return Credentials(key, secret)


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    if missing := [name for name in _OURS if not inherited.get(name)]:
        raise ValueError(f"{' and '.join(missing)} must be set.")
    own = {name: inherited[name] for name in (*_INHERITED, *_OURS) if name in inherited}
    region = inherited.get("AWS_DEFAULT_REGION", "us-east-1")
    return {**own, "AWS_DEFAULT_REGION": region, "MINISTACK_REGION": region}


def _end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - signal's signature
    raise SystemExit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m soundalike.local.store",
        description="Serve S3 and SQS. Keys and folders come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
        "S3_DATA_DIR and STATE_DIR.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4566, help="port to listen on (default: %(default)s)")
    return parser
