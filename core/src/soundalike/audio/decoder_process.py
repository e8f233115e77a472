"""The child process of `audio.isolate`: decodes what it is sent, or encodes clips of it, until its parent is gone.

Started as `python -m soundalike.audio.decoder_process FD FUNCTION MEMORY`. It responds with plain bytes and never a
pickle: whatever a hostile file does to this process must not reach the parent as code.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
from functools import reduce
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundalike.audio.errors import AudioError, DecoderCrashed

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.audio.excerpt import AudioExcerpt


def serve(connection: Connection, function: Callable[[Any], AudioExcerpt | bytes]) -> None:
    """Respond to each request (a kind, then its content) with a head, then float32 samples or a clip, if any."""
    connection.send_bytes(b"ready")
    while True:
        try:
            kind, content = connection.recv_bytes(), connection.recv_bytes()
        except EOFError:
            return
        head, body = _run(function, Path(os.fsdecode(content)) if kind == b"path" else content)
        connection.send_bytes(json.dumps(head).encode())
        connection.send_bytes(body)


def _run(function: Callable[[Any], AudioExcerpt | bytes], source: bytes | Path) -> tuple[dict[str, Any], bytes]:
    try:
        result = function(source)
    except (AudioError, OSError, MemoryError) as error:
        return {"error": _error_name(error), "message": getattr(error, "strerror", None) or str(error)}, b""
    except Exception as error:  # noqa: BLE001 - the outermost loop; the parent logs it as a crash
        return {"error": DecoderCrashed.__name__, "message": f"decoding failed unexpectedly ({error!r})"[:1000]}, b""
    if isinstance(result, bytes):
        return {}, result
    head = {"rate": result.rate, "seconds_total": result.seconds_total}
    return head, result.samples.astype("<f4", copy=False).tobytes()


def _error_name(error: AudioError | OSError | MemoryError) -> str:
    if isinstance(error, AudioError):
        return type(error).__name__
    return "MemoryError" if isinstance(error, MemoryError) else "OSError"


def _limit_memory(additional_bytes: int) -> None:
    """Let this process map `additional_bytes` bytes more than it has now, where the system supports that."""
    try:
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        mapped = 0
    try:
        resource.setrlimit(resource.RLIMIT_AS, (mapped + additional_bytes, mapped + additional_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        # macOS refuses; the time limit still holds.
        return


def main() -> None:
    """Run the child."""
    # Ctrl-C reaches the whole foreground group; the parent decides when its children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptor, function, memory = sys.argv[1:]
    module, _, name = function.partition(":")
    target = reduce(getattr, name.split("."), importlib.import_module(module))
    _limit_memory(int(memory))
    with Connection(int(descriptor)) as connection:
        serve(connection, target)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
