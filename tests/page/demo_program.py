"""`python demo_program.py HOME PORT`: a demo platform with a few files of its own, until SIGTERM.

It runs `soundalike demo` and then crawls the folder HOME/music. HOME/ready is there when the platform answers with
both; where something fails, HOME/failure says what.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import mutagen.aiff
import mutagen.flac
import mutagen.id3
import mutagen.mp3
import mutagen.wave
import soundfile

from soundalike.local.program import Program, open_log, python_command
from soundalike.sandbox.catalogue import PIECES_PER_STYLE, pieces
from soundalike.sandbox.composer import compose, encode_mp3
from soundalike.sandbox.synthesis import SAMPLE_RATE
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVING = "Serving on "
"""What `soundalike demo` prints when everything is analysed and indexed."""

START_LIMIT_S = 600.0


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of HOME/music: a piece in the style of one of the demo, which the demo does not have."""

    name: str
    title: str
    artist: str
    style: str


OWN_FILES = (
    OwnFile("harbour.mp3", "Harbour at Four", "Mirela Okafor", "ambient"),
    OwnFile("kiln.flac", "Kiln", "Mirela Okafor", "techno"),
    # A browser plays no AIFF.
    OwnFile("orchard.aiff", "Orchard Waltz", "Jonas Ebner", "waltz"),
    OwnFile("ferry.wav", "Ferry Blues", "Jonas Ebner", "blues"),
)


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
        """The folder with the files of `OWN_FILES`."""
        return Path(self.home) / "music"

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


def write_own_files(folder: Path) -> None:
    """Compose the files of `OWN_FILES`; every title and artist is in their tags."""
    folder.mkdir(parents=True, exist_ok=True)
    by_style = {piece.style: piece for piece in pieces()}
    for number, own in enumerate(OWN_FILES):
        piece = replace(by_style[own.style], index=PIECES_PER_STYLE + number)
        path = folder / own.name
        path.write_bytes(_encode(compose(piece), path.suffix))
        _tag(path, own)


def _encode(samples: object, suffix: str) -> bytes:
    if suffix == ".mp3":
        return encode_mp3(samples)
    target = io.BytesIO()
    soundfile.write(target, samples, SAMPLE_RATE, format=suffix[1:].upper(), subtype="PCM_16")
    return target.getvalue()


def _tag(path: Path, own: OwnFile) -> None:
    if path.suffix == ".flac":
        flac = mutagen.flac.FLAC(path)
        flac.update({"title": own.title, "artist": own.artist, "album": "Own Recordings"})
        flac.save()
        return
    kinds = {".mp3": mutagen.mp3.MP3, ".aiff": mutagen.aiff.AIFF, ".wav": mutagen.wave.WAVE}
    file = kinds[path.suffix](path)
    if file.tags is None:
        file.add_tags()
    for frame in (mutagen.id3.TIT2, mutagen.id3.TPE1, mutagen.id3.TALB):
        text = {"TIT2": own.title, "TPE1": own.artist, "TALB": "Own Recordings"}[frame.__name__]
        file.tags.add(frame(encoding=3, text=[text]))
    file.save()


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
        write_own_files(home / "music")
        for _ in _until_serving(process, log_file):
            time.sleep(0.1)
        crawl = python_command("soundalike.local", "crawl", "--data", str(data), "--folder", str(home / "music"))
        subprocess.run(crawl, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)
        (home / "ready").touch()
        _fail(process.wait())
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
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
