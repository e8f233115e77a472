"""Which folders lie on file systems of other machines, whose changes the system does not tell."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

_MOUNTS: Final = Path("/proc/self/mountinfo")

# proc_pid_mountinfo(5): id, parent, device, root, mount point, options, optional fields, "-", type, source, options.
_LINE: Final = re.compile(rb"\S+ \S+ \S+ \S+ (\S+) .*? - (\S+) ")
_ESCAPE: Final = re.compile(rb"\\([0-7]{3})")

_REMOTE_TYPES: Final = frozenset(
    {
        *("9p", "afs", "ceph", "cifs", "coda", "davfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"),
        *("drvfs", "prl_fs", "vboxsf", "virtiofs"),
        *("fuse.davfs", "fuse.davfs2", "fuse.glusterfs", "fuse.gvfsd-fuse", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
        *("fuse.vmhgfs-fuse",),
    }
)


def remote_type(path: bytes, mounts: Path = _MOUNTS) -> str | None:
    """Return the type of the network or shared file system on which a real path lies; None for another, or unknown."""
    try:
        lines = mounts.read_bytes().splitlines()
    except OSError:
        return None
    points = [
        (_ESCAPE.sub(lambda code: bytes([int(code[1], 8)]), match[1]), os.fsdecode(match[2]))
        for line in lines
        if (match := _LINE.match(line))
    ]
    around = [(len(point), kind) for point, kind in points if _is_in(path, point)]
    # Of several mounts at one place the last is the visible one.
    kind = max(reversed(around), key=lambda mount: mount[0], default=(0, ""))[1]
    return kind if kind in _REMOTE_TYPES else None


def _is_in(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")
