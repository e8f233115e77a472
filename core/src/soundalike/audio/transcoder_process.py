"""A process that transcodes one file to Opus: the file is its standard input, the stream its standard output.

Started as `python -m soundalike.audio.transcoder_process ARGUMENTS MEMORY`, the arguments of
`audio.transcode.open_transcoding` in JSON. Before it reads anything it gives up all that decoding does not need
(`audio.confinement`). It answers with one line of JSON, `{"seconds": …}` or `{"error": …, "message": …}`, and then the
bytes of the stream; where these break off before the end its status is not 0.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Final

from soundalike.audio import transcode
from soundalike.audio.confinement import confine, limit_cpu_time
from soundalike.audio.errors import AudioError, InternalDecoderError

if TYPE_CHECKING:
    from typing import BinaryIO

_INPUT, _OUTPUT = 0, 1
_CPU_S_TO_OPEN: Final = 30.0
_CPU_S_PER_BLOCK: Final = 15.0
"""What a part of the sound may take at most; 20 s of the most demanding formats took less than 1 s."""

_NICENESS: Final = 5
_MAX_MESSAGE: Final = 1_000


class _Output:
    """Standard output as something that PyAV writes to."""

    def write(self, data: bytes) -> int:
        """Write all of it, waiting for the reader."""
        view = memoryview(data)
        while view:
            view = view[os.write(_OUTPUT, view) :]
        return len(data)


def main() -> None:
    """Run the process."""
    # Ctrl-C reaches the whole foreground group; the parent decides when its children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Answers come first.
    os.nice(_NICENESS)
    arguments, memory = json.loads(sys.argv[1]), int(sys.argv[2])
    confine(memory)
    output = _Output()
    with ExitStack() as stack, io.FileIO(_INPUT, closefd=False) as file:
        limit_cpu_time(_CPU_S_TO_OPEN)
        try:
            transcoding = _open(file, stack, arguments)
        except AudioError as error:
            output.write(_line(error=type(error).__name__, message=str(error)[:_MAX_MESSAGE]))
            return
        output.write(_line(seconds=transcoding.seconds))
        # Whoever listens may leave at any time.
        with suppress(BrokenPipeError):
            for _ in transcoding.run(output):
                limit_cpu_time(_CPU_S_PER_BLOCK)


def _open(file: BinaryIO, stack: ExitStack, arguments: dict[str, Any]) -> transcode.Transcoding:
    try:
        return transcode.open_transcoding(file, stack, **arguments)
    except MemoryError as error:
        raise InternalDecoderError("decoding needs more memory than it may take") from error
    except OSError as error:
        raise InternalDecoderError(error.strerror or "the file cannot be read") from error


def _line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


if __name__ == "__main__":
    main()
