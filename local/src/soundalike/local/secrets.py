"""Passwords of the embedded servers, generated once."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from soundalike.local.errors import UnusableDataDirectory
from soundalike.storage.atomic_files import write_private

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Secrets:
    """What nobody has to know: the programs hand it to each other."""

    postgres_admin_password: str = field(repr=False)
    database_password: str = field(repr=False)
    aws_access_key_id: str
    aws_secret_access_key: str = field(repr=False)


def load_or_generate(path: Path) -> Secrets:
    """Read the passwords of a platform, or make them up and keep them; raises `UnusableDataDirectory`."""
    try:
        return TypeAdapter(Secrets).validate_json(path.read_bytes())
    except FileNotFoundError:
        made = Secrets(
            postgres_admin_password=secrets.token_urlsafe(32),
            database_password=secrets.token_urlsafe(32),
            aws_access_key_id=f"LOCAL{secrets.token_hex(8).upper()}",
            aws_secret_access_key=secrets.token_urlsafe(32),
        )
        write_private(path, json.dumps(asdict(made), indent=2) + "\n")
        return made
    except PermissionError as error:
        raise UnusableDataDirectory(f"{path} belongs to another user. Choose another --data.") from error
    except ValidationError as error:
        raise UnusableDataDirectory(f"{path} is damaged: restore it, or choose another --data.") from error
