"""Only what lies below a folder is opened, by the real file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from soundalike.api import file_below
from soundalike.api.errors import LeadsOut
from soundalike.api.file_below import open_below


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A library `music` with two albums, beside something that is none of anybody's business."""
    for name, content in (("music/A/song", b"song"), ("music/B/other", b"other"), ("secret/key", b"secret")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "music"


def read(root: Path, path: bytes) -> bytes:
    descriptor = open_below(os.fsencode(root), path)
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("A/link", "song", b"A/link"),
        ("B/link", "../A/song", b"B/link"),
        ("C", "A", b"C/song"),
        ("B/deep", "../C/./song", b"B/deep"),
        ("D", "{root}/A", b"D/song"),
        ("A/up", "..", b"A/up/A/song"),
    ],
)
def test_links_that_stay_inside_are_followed(root: Path, link: str, target: str, path: bytes) -> None:
    (root / "C").symlink_to("A") if link != "C" else None
    (root / link).symlink_to(target.format(root=root))
    assert read(root, path) == b"song"


@pytest.mark.parametrize(
    "path", [b"../secret/key", b"A/../../secret/key", b"A/../../music/A/song", b"..", b"A/.././../x"]
)
def test_a_path_that_leads_out_is_refused(root: Path, path: bytes) -> None:
    with pytest.raises(LeadsOut):
        read(root, path)


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("link", "{outside}/secret/key", b"link"),
        ("link", "../secret/key", b"link"),
        ("A/link", "../../secret", b"A/link/key"),
        ("link", "{root}/../secret/key", b"link"),
        ("link", "{root}2/key", b"link"),
        ("link", "/proc/self/root", b"link/etc/passwd"),
        ("link", "/", b"link/etc/passwd"),
        ("link", "/proc/self/fd/0", b"link"),
    ],
)
def test_a_link_that_leads_out_is_refused(root: Path, link: str, target: str, path: bytes) -> None:
    (root / link).symlink_to(target.format(root=root, outside=root.parent))
    with pytest.raises(LeadsOut):
        read(root, path)


@pytest.mark.parametrize("path", [b"A", b"A/", b"A/.", b"", b"pipe", b"A/none", b"A/song/x", b"loop", b"/etc/passwd"])
def test_what_is_no_file_is_none(root: Path, path: bytes) -> None:
    """A pipe in which nobody writes is not waited for, and a path is never one from the root of the file system."""
    os.mkfifo(root / "pipe")
    (root / "loop").symlink_to("loop")
    before = open_descriptors()
    with pytest.raises(OSError, match=r"."):
        read(root, path)
    assert open_descriptors() == before


@pytest.mark.parametrize("exchanged", ["A", "A/song"])
def test_what_is_exchanged_for_a_link_at_the_last_moment_is_not_followed(
    root: Path, exchanged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who may write in the library waits for the moment between a look and the opening."""
    real_open = os.open
    opened: list[object] = []

    def open_late(name: bytes, flags: int, **options: int) -> int:
        if os.fsdecode(name) == exchanged.rpartition("/")[2] and not opened:
            opened.append(name)
            (root / exchanged).rename(root.parent / "old")
            (root / exchanged).symlink_to(root.parent / "secret" / ("" if exchanged == "A" else "key"))
        return real_open(name, flags, **options)

    monkeypatch.setattr(file_below.os, "open", open_late)
    before = open_descriptors()
    with pytest.raises(LeadsOut):
        read(root, b"A/song")
    assert opened
    assert open_descriptors() == before


def test_names_are_bytes_and_nothing_is_left_open(root: Path) -> None:
    name = b"Bj\xf6rk \xff"
    (root / os.fsdecode(name)).write_bytes(b"latin")
    before = open_descriptors()
    assert read(root, name) == b"latin"
    assert open_descriptors() == before
