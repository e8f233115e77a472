"""The folder in which a platform keeps everything: objects, database, passwords, logs."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from soundalike.local.errors import UnusableDataDirectory

DATA_VARIABLE = "SOUNDALIKE_DATA"
CACHE_VARIABLE = "SOUNDALIKE_CACHE"

_MAX_LOG_BYTES = 10_000_000


def cache_directory() -> Path:
    """Name the folder of what can be made again and serves every platform, outside all data folders.

    It lies where SOUNDALIKE_CACHE says, else where this system keeps a user's caches (XDG_CACHE_HOME).
    """
    chosen = os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("soundalike", appauthor=False)
    return Path(chosen).expanduser().resolve()


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Names of the files of one platform; `root` is absolute."""

    root: Path

    @classmethod
    def at(cls, path: Path | None) -> DataDirectory:
        """Name the folder at `path`, else where SOUNDALIKE_DATA says, else where this system keeps a user's data."""
        chosen = path or os.environ.get(DATA_VARIABLE) or platformdirs.user_data_dir("soundalike", appauthor=False)
        return cls(Path(chosen).expanduser().resolve())

    @classmethod
    def for_demo(cls) -> DataDirectory:
        """Name the folder of the demo, whose sample music has no place among a person's own."""
        return cls(Path(platformdirs.user_data_dir("soundalike-demo", appauthor=False)).resolve())

    @property
    def command_option(self) -> str:
        """What a command needs after its name to mean this folder: nothing, or a space and `--data …`."""
        return "" if self == DataDirectory.at(None) else f" --data {shlex.quote(str(self.root))}"

    @property
    def lock_file(self) -> Path:
        """Held by the running platform."""
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
        """The access token of SoundCloud, kept between walks."""
        return self.root / "soundcloud.json"

    @property
    def spotify_file(self) -> Path:
        """What proves a user's consent to Spotify (`soundalike login spotify`)."""
        return self.root / "spotify.json"

    @property
    def ports_file(self) -> Path:
        """Ports kept across restarts."""
        return self.root / "ports.json"

    @property
    def pidfile(self) -> Path:
        """Processes that were started and not yet seen to end."""
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
        """Where the API keeps the index version it answers from."""
        return self.root / "cache" / "api"

    def create(self) -> None:
        """Make the folder, closed to others, unless it is there; raises `UnusableDataDirectory`."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in ("logs", "cache"):
                (self.root / folder).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise UnusableDataDirectory(
                f"{self.root} cannot be used: {error.strerror}. Choose another --data."
            ) from error
        owner = self.root.stat().st_uid
        if owner != os.geteuid() != 0:
            raise UnusableDataDirectory(f"{self.root} belongs to another user (uid {owner}). Choose another --data.")

    def log_file(self, name: str) -> Path:
        """Name the log of a program, setting a very long one from before aside."""
        path = self.root / "logs" / f"{name}.log"
        if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path
