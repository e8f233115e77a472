from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from soundalike.local import ports

if TYPE_CHECKING:
    from pathlib import Path


def test_ports_are_kept_while_they_are_free(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    chosen = ports.load_or_choose(path)
    assert len({chosen.postgres, chosen.aws, chosen.sandbox}) == 3
    assert ports.load_or_choose(path) == chosen
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, chosen.aws))
        taken.listen()
        assert not ports.is_free(chosen.aws)
        moved = ports.load_or_choose(path)
        assert moved.aws != chosen.aws
        assert (moved.postgres, moved.sandbox) == (chosen.postgres, chosen.sandbox)
    assert ports.load_or_choose(path) == moved


def test_a_damaged_list_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    path.write_text('{"postgres": "x"}', encoding="utf-8")
    assert ports.load_or_choose(path) == ports.load_or_choose(path)
