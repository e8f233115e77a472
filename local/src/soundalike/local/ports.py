"""Free TCP ports on the loopback interface, and those of a platform's servers."""

from __future__ import annotations

import errno
import json
import random
import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from soundalike.storage.atomic_files import write_private

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = "127.0.0.1"

# Below the ranges from which Linux (32768) and macOS (49152) take ports for outgoing connections: a platform needs the
# same port again after a restart.
PORT_RANGE = range(20_000, 32_000)
"""Ports from which one is picked."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of the embedded servers."""

    postgres: int
    aws: int
    sandbox: int


def is_free(port: int) -> bool:
    """Tell whether a server can listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def free_port() -> int:
    """Return a port on which nothing listens."""
    return next(port for port in random.sample(PORT_RANGE, len(PORT_RANGE)) if is_free(port))


def load_or_choose(path: Path) -> Ports:
    """Return the ports of the last start, or others for those that are not free any more, and save them."""
    try:
        previous = asdict(TypeAdapter(Ports).validate_json(path.read_bytes()))
    except (FileNotFoundError, ValidationError):
        previous = {}
    ports: dict[str, int] = {}
    for name in ("postgres", "aws", "sandbox"):
        port = previous.get(name)
        while port is None or port in ports.values() or not is_free(port):
            port = free_port()
        ports[name] = port
    if ports != previous:
        write_private(path, json.dumps(ports) + "\n")
    return Ports(**ports)
