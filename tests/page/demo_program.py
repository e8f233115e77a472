"""`python demo_program.py HOME PORT`: a demo platform until SIGTERM.

It runs `soundalike demo`. HOME/ready is there when the platform answers with all its tracks; where something fails,
HOME/failure says what.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from soundalike.local.program import Program, open_log, python_command
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVING = "Serving on "
"""What `soundalike demo` prints when everything is analysed and indexed."""

START_LIMIT_S = 600.0


@dataclass(frozen=True, slots=True)
class DemoPlatform:
    """A demo platform for tests of the page: its files are below `home`, its API listens on `port`.

    `cache` is the folder of the composed music, which other platforms may share.
    """

    home: str
    port: int
    cache: str

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def music(self) -> Path:
        """The folder with the files of `sandbox.own_files`."""
        return self.data / "music"

    @property
    def data(self) -> Path:
        """The data folder of the platform."""
        return Path(self.home) / "data"

    def program(self) -> Program:
        """Return this program, which ends with the process that starts it."""
        home = Path(self.home)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PG"))}
        return Program(
            name="demo",
            command=(sys.executable, "-P", str(Path(__file__).resolve()), self.home, str(self.port)),
            environment={
                **environment,
                "SOUNDALIKE_CACHE": self.cache,
                "MODEL_CACHE": str(home / "models"),
                # A proxy that does not exist: nothing is downloaded.
                "HTTPS_PROXY": "http://127.0.0.1:9",
            },
            log_file=home / "demo.log",
        )

    def is_ready(self) -> bool:
        """Tell whether the platform answers with all its tracks; raises `RuntimeError` where it failed."""
        failure = Path(self.home) / "failure"
        if failure.exists():
            raise RuntimeError(f"The demo platform failed: {failure.read_text()}\n{self.program().log_tail(40)}")
        return (Path(self.home) / "ready").exists()


def main(home: Path, port: int) -> None:
    """Run the platform until SIGTERM."""
    home.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # The players of the services are shown, though they know no invented tracks.
    os.environ["PAGE_EMBEDS"] = "spotify,deezer,soundcloud"
    data = home / "data"
    log_file = home / "demo.log"
    demo = Program(
        name="soundalike demo",
        command=tuple(python_command("soundalike.local", "demo", "--data", str(data), "--port", str(port))),
        environment=os.environ,
        log_file=log_file,
    )
    log = open_log(log_file)
    process = subprocess.Popen(demo.launch_command(), stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in _until_serving(process, log_file):
            time.sleep(0.1)
        (home / "ready").touch()
        _fail(process.wait())
    except (RuntimeError, OSError) as error:
        (home / "failure").write_text(str(error))
        raise
    finally:
        if process.poll() is None:
            process.send_signal(demo.stop_signal)
            process.wait(scale(demo.stop_timeout_s))


def _until_serving(process: subprocess.Popen[bytes], log_file: Path) -> Iterator[None]:
    deadline = time.monotonic() + scale(START_LIMIT_S)
    while SERVING not in log_file.read_text(encoding="utf-8", errors="replace"):
        if process.poll() is not None:
            _fail(process.returncode)
        if time.monotonic() > deadline:
            raise RuntimeError("`soundalike demo` does not serve")
        yield


def _fail(status: int) -> NoReturn:
    raise RuntimeError(f"`soundalike demo` ended with {status}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
