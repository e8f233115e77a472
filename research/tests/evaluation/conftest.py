from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RATE = 16_000


def write_tone(path: Path, *, pitch: float, seconds: float, channels: int = 2) -> None:
    """Write a steady tone with a little noise that no other pitch has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(int(pitch)).standard_normal(len(time))
    mono = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.01 * noise
    soundfile.write(path, np.repeat(mono[:, np.newaxis], channels, axis=1), RATE)


@pytest.fixture
def make_corpus(tmp_path: Path) -> Callable[..., Path]:
    """Write albums of tones, `tracks` in each, and their tracks.csv."""

    def make(albums: int, tracks: int, *, seconds: float = 8.0) -> Path:
        folder = tmp_path / "music"
        rows = []
        for album in range(albums):
            for track in range(tracks):
                path = f"album-{album}/{track}.wav"
                write_tone(folder / path, pitch=200 + 300 * album + 5 * track, seconds=seconds)
                rows.append({"path": path, "album": f"album {album}", "artist": f"artist {album // 2}"})
        with (folder / "tracks.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["path", "album", "artist"])
            writer.writeheader()
            writer.writerows(rows)
        return folder

    return make
