from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import soundfile

from soundalike.sandbox.own_files import OWN_FILES, write_own_files
from soundalike.sandbox.preview_cache import PreviewCache

if TYPE_CHECKING:
    from pathlib import Path


def test_each_file_sounds_and_has_its_tags(tmp_path: Path) -> None:
    write_own_files(tmp_path / "music", PreviewCache(tmp_path / "cache"))
    assert {file.name for file in (tmp_path / "music").iterdir()} == {own.name for own in OWN_FILES}
    for own in OWN_FILES:
        with soundfile.SoundFile(tmp_path / "music" / own.name) as file:
            assert (file.title, file.artist) == (own.title, own.artist)
            assert file.frames / file.samplerate == pytest.approx(30, abs=1)
            assert abs(file.read(dtype="float32")).max() > 0.1


def test_what_was_composed_or_written_before_stays(tmp_path: Path) -> None:
    cache = PreviewCache(tmp_path / "cache", "composer")
    for own in OWN_FILES:
        cache.put(own.name, own.title.encode())
    music = tmp_path / "music"
    music.mkdir()
    (music / OWN_FILES[0].name).write_bytes(b"edited")
    write_own_files(music, cache)
    assert [(music / own.name).read_bytes() for own in OWN_FILES] == [
        b"edited",
        *(own.title.encode() for own in OWN_FILES[1:]),
    ]
