"""The child process of `audio.isolate`: runs one function on the files that it is sent, until its parent is gone.

Started as `python -m soundalike.audio.decoder_process FD FUNCTION MEMORY`. It responds with plain bytes and never a
pickle: whatever a hostile file does to this process must not reach the parent as code. Before the first file it gives
up all that a decoder does not need (`audio.confinement`), so files reach it as content or as open descriptors.
"""

from __future__ import annotations

import importlib
import json
import signal
import socket
import sys
import traceback
from functools import reduce
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Final

from soundalike.audio.confinement import confine, limit_cpu_time
from soundalike.audio.errors import AudioError, InternalDecoderError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from soundalike.audio.excerpt import AudioExcerpts

_MAX_MESSAGE: Final = 1_000
_MAX_TRACEBACK: Final = 4_000
"""Characters; the parent accepts no longer head than 64 KB, and each may be written in twelve bytes."""


def serve(connection: Connection, files: socket.socket, function: Callable[..., AudioExcerpts | bytes]) -> None:
    """Respond to each request with a head, then float32 samples or whatever bytes the function returns, if any.

    A request is a head, which says how many seconds of the processor it may take and what the function's other
    arguments are, and a file's content, or an open descriptor of it, which comes by `files`.
    """
    while True:
        try:
            request, content = json.loads(connection.recv_bytes()), connection.recv_bytes()
        except EOFError:
            return
        limit_cpu_time(request["cpu_s"])
        if request["is_descriptor"]:
            _, descriptors, _, _ = socket.recv_fds(files, 1, 1)
            with open(descriptors[0], "rb") as stream:  # noqa: PTH123 - a descriptor has no path
                head, body = _run(function, stream, request["arguments"])
        else:
            head, body = _run(function, content, request["arguments"])
        limit_cpu_time(0)
        connection.send_bytes(json.dumps(head).encode())
        connection.send_bytes(body)


def _run(
    function: Callable[..., AudioExcerpts | bytes], source: bytes | BinaryIO, arguments: dict[str, Any]
) -> tuple[dict[str, Any], bytes]:
    try:
        result = function(source, **arguments)
    except (AudioError, MemoryError) as error:
        name = type(error).__name__ if isinstance(error, AudioError) else "MemoryError"
        return {"error": name, "message": str(error)}, b""
    except Exception as error:  # noqa: BLE001 - the outermost loop; the parent logs it
        if isinstance(error, OSError) and not isinstance(error, PermissionError):
            return {"error": "OSError", "message": error.strerror or str(error)}, b""
        # What is confined has no business with paths: a library tried something that it is not to do.
        failure = "tried what is forbidden" if isinstance(error, PermissionError) else "failed unexpectedly"
        message = f"decoding {failure} ({error!r})"[:_MAX_MESSAGE]
        trace = traceback.format_exc()[-_MAX_TRACEBACK:]
        return {"error": InternalDecoderError.__name__, "message": message, "traceback": trace}, b""
    if isinstance(result, bytes):
        return {}, result
    head = {"rate": result.rate, "seconds_total": result.seconds_total, "lengths": result.lengths}
    return head, result.samples.astype("<f4", copy=False).tobytes()


def main() -> None:
    """Run the child."""
    # Ctrl-C reaches the whole foreground group; the parent decides when its children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptor, function, memory = sys.argv[1:]
    module, _, name = function.partition(":")
    target = reduce(getattr, name.split("."), importlib.import_module(module))
    with socket.socket(fileno=int(descriptor)) as files, Connection(files.fileno()) as connection:
        connection.send_bytes(json.dumps(confine(int(memory))).encode())
        serve(connection, files, target)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
