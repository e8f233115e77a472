"""What a caller is told whose request is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP: status, headers, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class RequestRefused(Exception):
    """A request that is not served; `code` is one of AWS's error codes.

    No `SoundalikeError`: this program shares no code with the rest, so that its image needs none of it.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def reply(self, *, json_protocol: bool) -> Reply:
        """Build the answer, in the form that clients of SQS (JSON) or of S3 (XML) read."""
        if json_protocol:
            body = json.dumps({"__type": f"com.amazonaws.sqs#{self.code}", "message": self.message}).encode()
            return Reply(self.status, (("Content-Type", "application/x-amz-json-1.0"),), body)
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message></Error>"
        ).encode()
        return Reply(self.status, (("Content-Type", "application/xml"),), body)


def access_denied(message: str = "Access Denied") -> RequestRefused:
    """Build the refusal of what nobody may do here."""
    return RequestRefused(403, "AccessDenied", message)
