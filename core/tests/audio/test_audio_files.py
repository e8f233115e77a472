from __future__ import annotations

from pathlib import Path

from soundalike.audio.audio_files import is_named_like_audio, without_suffix
from soundalike.audio.sniff import AudioKind

VIDEO_KINDS = {AudioKind.AVI, AudioKind.FLV, AudioKind.MPEG_PS, AudioKind.MPEG_TS}


def test_every_kind_of_audio_is_recognised_by_its_name() -> None:
    assert {kind for kind in AudioKind if not is_named_like_audio(Path(f"x.{kind.extension}"))} == VIDEO_KINDS
    assert is_named_like_audio(Path("A.MP3"))
    assert not is_named_like_audio(Path("cover.jpg"))
    assert not is_named_like_audio(Path("mp3"))


def test_a_suffix_of_audio_or_of_a_film_is_no_part_of_a_name() -> None:
    for suffix in (*(f".{kind.extension}" for kind in AudioKind), ".MKV", ".mov", ".m4v", ".wmv", ".3gp"):
        assert without_suffix(Path(f"Mr. Blue{suffix}")) == Path("Mr. Blue")
    for name in ("R.E.M. - E-Bow", "Song vol.2", "St. Anger"):
        assert without_suffix(Path(name)) == Path(name)
