"""Running as a user whom PostgreSQL accepts, without opening any folder to anybody.

PostgreSQL refuses uid 0. Data and programs may lie below a folder of root's that nobody else can enter, so becoming
another user is not enough. Where Linux allows it, the process enters a user namespace in which its own user bears the
number of another one (user_namespaces(7)): files stay those of root, the program sees a user it accepts. Where that is
refused (a container's default seccomp profile), it becomes `nobody` and retains one capability, to enter all folders
(capabilities(7), "Ambient").
"""

from __future__ import annotations

import ctypes
import os
import platform
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from soundalike.local.errors import PrivilegeError

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLONE_NEWUSER = 0x1000_0000
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x2008_0522
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2

_REMEDIES = (
    "Start it as an ordinary user, or move the data folder (--data) and the checkout where `nobody` can enter, "
    "or allow user namespaces (sysctl user.max_user_namespaces)."
)


def drop_privileges(writable_paths: Sequence[Path]) -> None:
    """Turn this single-threaded process into one with a named uid other than 0 that can write `writable_paths`.

    The owner of the first path decides how: root's own files are reached by a user namespace, those of another user by
    becoming that user. Raises `PrivilegeError` where neither is possible.
    """
    uid, owner = os.geteuid(), writable_paths[0].stat().st_uid
    if uid != 0:
        if owner != uid:
            raise PrivilegeError(
                f"{writable_paths[0]} belongs to {_user_name(owner)}. "
                "Start as that user, or choose another data folder with --data."
            )
        if not _has_name(uid) and not _enter_namespace():
            raise PrivilegeError(f"PostgreSQL needs a user with a name, and uid {uid} has none on this machine.")
        return
    if owner == 0 and _enter_namespace():
        return
    try:
        _switch_user(pwd.getpwnam("nobody") if owner == 0 else pwd.getpwuid(owner), writable_paths)
    except (OSError, KeyError) as error:
        raise PrivilegeError(
            f"PostgreSQL refuses to run as root, and root cannot become another user here ({error}). {_REMEDIES}"
        ) from error


def check_access(program: Path, writable_paths: Sequence[Path]) -> None:
    """Raise `PrivilegeError` unless this process, as it is now, can read `program` and `writable_paths`."""
    for path in (program, *writable_paths):
        try:
            # Not access(2), which ignores capabilities.
            os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except PermissionError as error:
            raise PrivilegeError(
                f"PostgreSQL refuses to run as root, and {_user_name(os.geteuid())} cannot reach {path}. {_REMEDIES}"
            ) from error


def _enter_namespace() -> bool:
    if platform.system() != "Linux":
        return False
    # A refusal half-way (AppArmor, seccomp) can leave a process without any rights: a child tries it first.
    pid = os.fork()
    if pid == 0:
        try:
            _unshare()
        except OSError:
            os._exit(1)
        os._exit(0)
    if os.waitpid(pid, 0)[1] != 0:
        return False
    _unshare()
    return True


def _unshare() -> None:
    uid, gid, user = os.geteuid(), os.getegid(), _unprivileged_user()
    _check(_libc().unshare(_CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user.pw_uid} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{user.pw_gid} {gid} 1", encoding="ascii")


def _unprivileged_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        return min((user for user in pwd.getpwall() if user.pw_uid != 0), key=lambda user: user.pw_uid)


def _switch_user(user: pwd.struct_passwd, writable_paths: Sequence[Path]) -> None:
    for path in writable_paths:
        _change_owner(path, user.pw_uid, user.pw_gid)
    capability = _search_capability()
    if capability is not None:
        _check(_libc().prctl(_PR_SET_KEEPCAPS, ctypes.c_ulong(1), *_zeros(3)))
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if capability is not None:
        _retain_only(capability)


def _change_owner(path: Path, uid: int, gid: int) -> None:
    os.chown(path, uid, gid, follow_symlinks=False)
    for folder, subfolders, files in os.walk(path):
        for name in (*subfolders, *files):
            os.chown(Path(folder, name), uid, gid, follow_symlinks=False)


def _search_capability() -> int | None:
    if platform.system() != "Linux":
        return None
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    permitted = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapPrm:")), 16)
    return next((c for c in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE) if permitted >> c & 1), None)


def _retain_only(capability: int) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    # effective, permitted, inheritable of capabilities 0-31, then of 32-63
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    _check(_libc().capset(header, sets))
    ambient = (ctypes.c_ulong(_PR_CAP_AMBIENT_RAISE), ctypes.c_ulong(capability))
    _check(_libc().prctl(_PR_CAP_AMBIENT, *ambient, *_zeros(2)))


def _zeros(count: int) -> list[ctypes.c_ulong]:
    return [ctypes.c_ulong(0)] * count


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _user_name(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name if _has_name(uid) else f"uid {uid}"
