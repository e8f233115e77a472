"""Passwords of the embedded servers, generated at the first start."""

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
    """Passwords that nobody has to know: the programs hand them to each other."""

    postgres_admin_password: str = field(repr=False)
    database_password: str = field(repr=False)
    aws_access_key_id: str
    aws_secret_access_key: str = field(repr=False)


def load_or_generate(path: Path) -> Secrets:
    """Read the passwords of a platform, or generate and save them; raises `UnusableDataDirectory`."""
    try:
        return TypeAdapter(Secrets).validate_json(path.read_bytes())
    except FileNotFoundError:
        generated = Secrets(
            postgres_admin_password=secrets.token_urlsafe(32),
            database_password=secrets.token_urlsafe(32),
            aws_access_key_id=f"LOCAL{secrets.token_hex(8).upper()}",
            aws_secret_access_key=secrets.token_urlsafe(32),
        )
        write_private(path, json.dumps(asdict(generated), indent=2) + "\n")
        return generated
    except PermissionError as error:
        raise UnusableDataDirectory(
            f"{path} belongs to another user. Choose another data folder with --data."
        ) from error
    except ValidationError as error:
        raise UnusableDataDirectory(
            f"{path} is damaged. Restore it, or choose another data folder with --data."
        ) from error
