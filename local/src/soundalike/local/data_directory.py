"""The folder in which a platform keeps everything: objects, database, passwords, logs."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from soundalike.errors import UnusableDirectory
from soundalike.local.errors import UnusableDataDirectory
from soundalike.storage.private_directories import private_directory

DATA_VARIABLE = "SOUNDALIKE_DATA"
CACHE_VARIABLE = "SOUNDALIKE_CACHE"

_MAX_LOG_BYTES = 10_000_000


def cache_directory() -> Path:
    """Name the folder of files that can be made again and that all platforms share, outside the data folders.

    It is that of SOUNDALIKE_CACHE, or else this system's place for a user's caches (XDG_CACHE_HOME).
    """
    folder = os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("soundalike", appauthor=False)
    return Path(folder).expanduser().resolve()


def sandbox_music_directory() -> Path:
    """Name the folder of the music that the sandbox has composed."""
    return cache_directory() / "sandbox-music"


def create_private(folder: Path) -> None:
    """Make a folder, closed to other users, where it does not exist; raises `UnusableDataDirectory`."""
    # Root may use the folder of another user, with what lies in it.
    owner = folder.stat().st_uid if os.geteuid() == 0 and folder.exists() else None
    try:
        private_directory(folder, owner=owner)
    except UnusableDirectory as error:
        raise UnusableDataDirectory(f"{error}. You can choose another data folder with --data.") from error


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Names of the files of one platform; `root` is absolute."""

    root: Path

    @classmethod
    def at(cls, path: Path | None) -> DataDirectory:
        """Name the folder at `path`, or else that of SOUNDALIKE_DATA, or else this system's place for a user's data."""
        folder = path or os.environ.get(DATA_VARIABLE) or platformdirs.user_data_dir("soundalike", appauthor=False)
        return cls(Path(folder).expanduser().resolve())

    @classmethod
    def for_demo(cls) -> DataDirectory:
        """Name the folder of the demo: its sample music stays apart from a person's own."""
        return cls(Path(platformdirs.user_data_dir("soundalike-demo", appauthor=False)).resolve())

    @property
    def command_option(self) -> str:
        """The option by which a command means this folder, after a space; empty where it is the default."""
        return "" if self == DataDirectory.at(None) else f" --data {shlex.quote(str(self.root))}"

    @property
    def lock_file(self) -> Path:
        """Locked by the running platform."""
        return self.root / "lock"

    @property
    def platform_file(self) -> Path:
        """How to reach the running platform."""
        return self.root / "platform.json"

    @property
    def secrets_file(self) -> Path:
        """Generated passwords."""
        return self.root / "secrets.json"

    @property
    def soundcloud_file(self) -> Path:
        """The access token of SoundCloud, for the next walk."""
        return self.root / "soundcloud.json"

    @property
    def spotify_file(self) -> Path:
        """The user's refresh token of Spotify (`soundalike login spotify`)."""
        return self.root / "spotify.json"

    @property
    def ports_file(self) -> Path:
        """Ports of the embedded servers, the same after a restart."""
        return self.root / "ports.json"

    @property
    def pidfile(self) -> Path:
        """Processes that were started and have not ended yet."""
        return self.root / "processes.json"

    @property
    def postgres(self) -> Path:
        """Home of the database."""
        return self.root / "postgres"

    @property
    def aws(self) -> Path:
        """Home of objects and queues."""
        return self.root / "aws"

    @property
    def api_cache(self) -> Path:
        """The API's copy of the index version that it serves."""
        return self.root / "cache" / "api"

    @property
    def builds(self) -> Path:
        """Where the indexer builds; the next build continues, or removes, what lies there."""
        return self.root / "cache" / "indexer"

    def create(self) -> None:
        """Make the folder, closed to other users, where it does not exist; raises `UnusableDataDirectory`."""
        for folder in (self.root, self.root / "logs", self.root / "cache"):
            create_private(folder)

    def log_file(self, name: str) -> Path:
        """Name the log file of a program, and rename the earlier one where it is very long."""
        path = self.root / "logs" / f"{name}.log"
        if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path
