"""Headers that tell browsers what an answer may not be used for."""

from __future__ import annotations

from typing import Final

CONTENT_SECURITY_POLICY: Final = "Content-Security-Policy"

NO_CONTENT_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Of an answer that is data: it loads, runs and sends nothing, and no page shows it in a frame."""

POLICIES: Final = {
    CONTENT_SECURITY_POLICY: NO_CONTENT_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    # Pages of CORS_ORIGINS are not affected: it counts for what is embedded without asking.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

SECURITY_HEADERS: Final = tuple(
    (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in POLICIES.items()
)
"""The same as bytes, as ASGI sends headers."""
