from __future__ import annotations

import importlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from audio import AudioKind, decode, sniff
from audio.errors import DecoderCrashed, NotAudio, TooDemanding, TooShort
from crawler.sources.cutter import Cutter, CutterUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


ODD = """
import os, time

def by_name(path):
    if path.name == "crash":
        os.abort()
    if path.name == "hang":
        time.sleep(600)
    if path.name == "killed":
        os.kill(os.getpid(), 9)
    if path.name == "memory":
        raise MemoryError
    print("a decoder's warning", flush=True)
    return os.fsencode(path.name)
"""


@pytest.fixture
def by_name(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], bytes]:
    """Stand in for cutting, and do what the file's name says; a module of its own, so that the child can import it."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "odd_cutting.py").write_text(ODD)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "odd_cutting", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    function: Callable[[Path], bytes] = importlib.import_module("odd_cutting").by_name
    return function


@pytest.fixture
def cutter() -> Iterator[Cutter]:
    with Cutter() as opened:
        yield opened


@pytest.fixture
def odd_cutter(by_name: Callable[[Path], bytes]) -> Iterator[Cutter]:
    with Cutter(seconds=1, function=by_name) as opened:
        yield opened


def test_30_s_from_the_middle(cutter: Cutter, tmp_path: Path, audio: Callable[..., bytes]) -> None:
    song = tmp_path / "sóng 歌.ogg"
    song.write_bytes(audio(70, "OGG"))
    preview = cutter.cut(song)
    assert sniff(preview) is AudioKind.FLAC
    assert decode(preview).seconds_total == pytest.approx(30, abs=0.01)


def test_failures_keep_their_kind(cutter: Cutter, tmp_path: Path, audio: Callable[..., bytes]) -> None:
    (tmp_path / "short.flac").write_bytes(audio(2))
    (tmp_path / "text.mp3").write_bytes(b"no music")
    with pytest.raises(TooShort, match=r"2\.0 s long"):
        cutter.cut(tmp_path / "short.flac")
    with pytest.raises(NotAudio, match="no audio"):
        cutter.cut(tmp_path / "text.mp3")
    with pytest.raises(OSError, match="No such file"):
        cutter.cut(tmp_path / "gone.mp3")


def test_names_that_are_no_utf_8(odd_cutter: Cutter, tmp_path: Path) -> None:
    assert odd_cutter.cut(tmp_path / os.fsdecode(b"caf\xe9")) == b"caf\xe9"


def test_what_decoders_print_is_not_shown(
    odd_cutter: Cutter, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert odd_cutter.cut(tmp_path / "fine") == b"fine"
    assert capfd.readouterr() == ("", "")


def test_a_crash_takes_down_the_child_alone(odd_cutter: Cutter, tmp_path: Path) -> None:
    with pytest.raises(DecoderCrashed, match="ended with status -6"):
        odd_cutter.cut(tmp_path / "crash")
    assert odd_cutter.cut(tmp_path / "fine") == b"fine"


def test_a_death_that_is_not_the_files_fault(odd_cutter: Cutter, tmp_path: Path) -> None:
    with pytest.raises(CutterUnavailable, match="ended with status -9"):
        odd_cutter.cut(tmp_path / "killed")
    assert odd_cutter.cut(tmp_path / "fine") == b"fine"


def test_a_child_that_cannot_start(
    by_name: Callable[[Path], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH")
    with Cutter(function=by_name) as cutter, pytest.raises(CutterUnavailable, match="ended with status 1"):
        cutter.cut(tmp_path / "fine")


def test_a_file_that_takes_for_ever_is_given_up(odd_cutter: Cutter, tmp_path: Path) -> None:
    with pytest.raises(TooDemanding, match="longer than 1 s"):
        odd_cutter.cut(tmp_path / "hang")
    with pytest.raises(TooDemanding, match="memory"):
        odd_cutter.cut(tmp_path / "memory")
    assert odd_cutter.cut(tmp_path / "fine") == b"fine"


def test_closing_ends_a_child_at_work(tmp_path: Path, by_name: Callable[[Path], bytes]) -> None:
    cutter = Cutter(seconds=600, function=by_name)
    assert cutter.cut(tmp_path / "warm") == b"warm"
    failures: list[Exception] = []

    def work() -> None:
        try:
            cutter.cut(tmp_path / "hang")
        except CutterUnavailable as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not cutter._lock.locked():
        time.sleep(0.01)
    cutter.close()
    thread.join()
    assert len(failures) == 1
    with pytest.raises(CutterUnavailable, match="was ended"):
        cutter.cut(tmp_path / "fine")
