from __future__ import annotations

import hashlib

from soundalike.domain.file_identity import file_id, segment_id


def test_a_segment_is_a_track_of_its_own() -> None:
    assert file_id("0" * 64).urn == f"file:track:{'0' * 64}"
    assert segment_id("0" * 64, 1, 2).urn == f"file:track:{hashlib.sha256(b'0' * 64 + b' 1 2').hexdigest()}"
    ids = {segment_id("0" * 64, 0, 1000), segment_id("0" * 64, 0, 1001), segment_id("1" * 64, 0, 1000)}
    assert len(ids) == 3
