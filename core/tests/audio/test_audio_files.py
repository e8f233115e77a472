from __future__ import annotations

from pathlib import Path

from soundalike.audio.audio_files import is_named_like_audio
from soundalike.audio.sniff import AudioKind

VIDEO_KINDS = {AudioKind.AVI, AudioKind.FLV, AudioKind.MPEG_PS, AudioKind.MPEG_TS}


def test_every_kind_of_audio_is_recognised_by_its_name() -> None:
    assert {kind for kind in AudioKind if not is_named_like_audio(Path(f"x.{kind.extension}"))} == VIDEO_KINDS
    assert is_named_like_audio(Path("A.MP3"))
    assert not is_named_like_audio(Path("cover.jpg"))
    assert not is_named_like_audio(Path("mp3"))
