from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.crawler.library.mounts import remote_type

if TYPE_CHECKING:
    from pathlib import Path

MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/nas rw,relatime shared:2 master:3 - nfs4 nas:/music rw,vers=4.2
31 30 8:2 / /mnt/nas/disk rw - xfs /dev/sdb1 rw
32 22 0:41 / /mnt/my\040music\134x rw - cifs //nas/music rw
33 22 0:42 / /over rw - nfs nas:/over rw
34 33 8:3 / /over rw - ext4 /dev/sdc1 rw
35 22 0:43 / /phone rw - fuse.gvfsd-fuse gvfsd-fuse rw
a line of no mount
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"/srv/me/Music", None),
        (b"/mnt/nas", "nfs4"),
        (b"/mnt/nas/Album", "nfs4"),
        (b"/mnt/nas/disk/Album", None),
        (b"/mnt/nasty", None),
        (rb"/mnt/my music\x/Album", "cifs"),
        (b"/over/Album", None),
        (b"/phone/\xff", "fuse.gvfsd-fuse"),
    ],
)
def test_the_innermost_mount_tells_whether_a_folder_is_on_another_machine(
    tmp_path: Path, path: bytes, expected: str | None
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert remote_type(path, mounts) == expected


def test_where_the_system_lists_no_mounts_nothing_is_known(tmp_path: Path) -> None:
    assert remote_type(b"/mnt/nas", tmp_path / "nowhere") is None
