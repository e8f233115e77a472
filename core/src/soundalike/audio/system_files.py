"""What operating systems, file servers and programs that synchronise keep among people's files: never their music.

Told by names alone, in any case: those that the makers document, or that lie on discs which were in their machines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

RECYCLE_BINS: Final = "files in recycle bins"
THUMBNAILS: Final = "folders of thumbnails"
SNAPSHOTS: Final = "snapshots and backups"
SYSTEM_FOLDERS: Final = "system folders"
SYSTEM_FILES: Final = "system files"

# fmt: off
_FOLDERS: Final[Mapping[str, Collection[bytes]]] = {
    RECYCLE_BINS: (
        b"$recycle.bin", b".trash", b".trashes", b"network trash folder",
        # Synology and Asustor, QNAP, Samba, unRAID, Buffalo.
        b"#recycle", b"@recycle", b".recycle", b".recycle.bin", b"trashbox", b".trashbox",
        # Nextcloud and ownCloud, Syncthing, MEGA, Resilio.
        b"files_trashbin", b"files_versions", b".stversions", b".debris", b".sync",
    ),
    THUMBNAILS: (b"@eadir", b".@__thumb", b"@__thumb", b".thumbnails", b".thumbs"),
    SNAPSHOTS: (
        b"#snapshot", b"@recently-snapshot", b".snapshot", b".snapshots", b"~snapshot", b".zfs", b".timemachine",
        b"backups.backupdb", b".mobilebackups",
    ),
    SYSTEM_FOLDERS: (
        b"system volume information", b"$extend", b"lost+found",
        b".spotlight-v100", b".spotlight-v200", b".fseventsd", b".documentrevisions-v100", b".temporaryitems",
        b"temporary items", b".appledouble", b".appledb", b".appledesktop", b"thevolumesettingsfolder",
        b"@tmp", b"@sharebin", b"@database", b"@appstore", b".synologyworkingdirectory",
        b".streams", b".qsync", b".syncing_db",
        b".stfolder", b".dropbox", b".dropbox.cache", b".tmp.drivedownload", b".tmp.driveupload", b".seafile-data",
        b".pcloud",
        b".git", b".hg", b".svn", b".bzr",
        b".cache", b".config", b".local", b".mozilla", b".steam", b".var",
    ),
}
_FOLDER_PREFIXES: Final[Mapping[bytes, str]] = {
    b".trash-": RECYCLE_BINS,
    b"@gmt-": SNAPSHOTS,
    b"@syno": SYSTEM_FOLDERS,
    b".@": SYSTEM_FOLDERS,
    b"found.0": SYSTEM_FOLDERS,
}
_FILES: Final = frozenset((
    b".ds_store", b".apdisk", b".volumeicon.icns", b".localized", b"icon\r", b"thumbs.db", b"ehthumbs.db",
    b"ehthumbs_vista.db", b"desktop.ini", b".directory", b".nomedia", b".stignore", b".dropbox",
    b".owncloudsync.log", b".nextcloudsync.log",
))
# Android keeps what was deleted or is being written beside the rest; NFS and FUSE what was deleted while it was open.
_FILE_PREFIXES: Final = (
    *(b"._", b".com.apple.", b".sync_", b"._sync_"),
    *(b".trashed-", b".pending-", b".nfs0", b".fuse_hidden"),
)
# fmt: on

_KINDS: Final = {name: kind for kind, names in _FOLDERS.items() for name in names}


def system_folder_kind(name: bytes) -> str | None:
    """Return what a folder of this name holds, None where it may be anybody's."""
    lowered = name.lower()
    kind = _KINDS.get(lowered)
    return kind or next((kind for prefix, kind in _FOLDER_PREFIXES.items() if lowered.startswith(prefix)), None)


def is_system_file(name: bytes) -> bool:
    """Tell whether a file of this name is none of a person's."""
    lowered = name.lower()
    return lowered in _FILES or lowered.startswith(_FILE_PREFIXES)


def is_recycle_bin(name: bytes, names_inside: Collection[bytes]) -> bool:
    """Tell by what is in it whether a folder that may be an album, such as Trash or RECYCLER, is a recycle bin."""
    match name.lower():
        case b"trash":
            return {b"files", b"info"} <= set(names_inside)
        case b"recycler" | b"recycled":
            return any(inside.lower().startswith(b"s-1-5-") or inside.lower() == b"info2" for inside in names_inside)
    return False
