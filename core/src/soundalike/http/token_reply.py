"""The reply of an OAuth 2 token endpoint."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TokenReply(BaseModel):
    """An issued token (RFC 6749, 5.1), valid for `expires_in` seconds; anything else is a `ValueError`."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    # What can stand in a header (RFC 6749, appendix A.12).
    access_token: str = Field(pattern=r"^[\x20-\x7e]+$", repr=False)
    refresh_token: str | None = Field(default=None, pattern=r"^[\x20-\x7e]*$", repr=False)
    expires_in: float = Field(ge=0, le=1e9)
