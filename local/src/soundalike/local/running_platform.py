"""The platform that runs on a data directory: at most one, and how other commands find it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from soundalike.local.data_directory import DataDirectory
from soundalike.local.environment import neutral_environment
from soundalike.local.errors import AlreadyRunning, NotRunning
from soundalike.local.program import shown_command
from soundalike.storage.atomic_files import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunningPlatform:
    """A platform that is up; `environment` holds the variables of its services, passwords included.

    `programs` are the names of the programs that it keeps running.
    """

    pid: int
    api_url: str
    sandbox_url: str | None
    environment: dict[str, str] = field(repr=False)
    programs: list[str] = field(default_factory=list)

    def child_environment(self, caller: Mapping[str, str]) -> dict[str, str]:
        """Return the platform's variables on top of the caller's environment."""
        return {**neutral_environment(caller), **self.environment}


@contextmanager
def exclusive_lock(data: DataDirectory) -> Iterator[None]:
    """Lock a data directory against other platforms; raises `AlreadyRunning` with the pid of the one that has it."""
    with ExitStack() as stack:
        descriptor = os.open(data.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, descriptor)
        folder = os.open(data.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, folder)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _lock_folder(folder)
        except BlockingIOError as error:
            pid = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise AlreadyRunning(
                f"A platform is already running on {data.root} (process {pid}). Stop it, or choose another data folder "
                "with --data."
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        data.platform_file.unlink(missing_ok=True)
        try:
            yield
        finally:
            data.platform_file.unlink(missing_ok=True)
            os.ftruncate(descriptor, 0)


def publish(data: DataDirectory, platform: RunningPlatform) -> None:
    """Let other commands find the platform, for as long as `exclusive_lock` lasts."""
    write_private(data.platform_file, json.dumps(asdict(platform), indent=2) + "\n")


def is_running(data: DataDirectory) -> bool:
    """Tell whether a platform runs on a data directory, starts or stops; raises `NotRunning` for another user's."""
    return any(_has_lock(path, data) for path in (data.lock_file, data.root))


def find(data: DataDirectory) -> RunningPlatform:
    """Find the platform that runs on a data directory; raises `NotRunning`."""
    if not is_running(data):
        raise NotRunning(
            f"No platform is running on {data.root}. Start it in another terminal: "
            f"{shown_command()} up{data.command_option}"
        )
    try:
        return TypeAdapter(RunningPlatform).validate_json(data.platform_file.read_bytes())
    except FileNotFoundError as error:
        raise NotRunning(f"The platform on {data.root} is starting or stopping. Try again in a moment.") from error
    except (PermissionError, ValidationError) as error:
        raise NotRunning(f"Cannot read {data.platform_file}: {error}. Restart the platform.") from error


def default_directory(data: Path | None) -> DataDirectory:
    """Return the folder that `data` means: without one, the user's, or the demo's where only the demo is running."""
    demo = DataDirectory.for_demo()
    if data is None and not is_running(DataDirectory.at(None)) and is_running(demo):
        return demo
    return DataDirectory.at(data)


def find_default(data: Path | None) -> RunningPlatform:
    """Find the platform on the folder that `data` means (see `default_directory`); raises `NotRunning`."""
    return find(default_directory(data))


def _lock_folder(descriptor: int) -> None:
    """Lock the folder besides: its lock file may be deleted, and would not keep a second platform out then."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        # Network file systems lock no folders; the file is locked there.
        if error.errno not in {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.EOPNOTSUPP}:
            raise


def _has_lock(path: Path, data: DataDirectory) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError as error:
        raise NotRunning(f"The data folder {data.root} belongs to another user.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
