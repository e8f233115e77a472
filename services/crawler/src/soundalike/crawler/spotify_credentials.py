"""What `soundalike login spotify` leaves for the crawler, in a file that only its owner can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from soundalike.crawler.errors import SourceRefused

if TYPE_CHECKING:
    from pathlib import Path


class SpotifyLogin(BaseModel):
    """A user's consent: which app it was given to, and the token that proves it."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    client_id: str
    refresh_token: str


def read_login(path: Path) -> SpotifyLogin:
    """Read the file of a login; raises `SourceRefused` saying what to do."""
    try:
        return SpotifyLogin.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise SourceRefused(
            f"{path} (SPOTIFY_TOKEN_FILE) cannot be read: run `soundalike login spotify` again"
        ) from error
