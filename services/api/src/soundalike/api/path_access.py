"""Who may see where files lie on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from soundalike.api.errors import KeysUnavailable

if TYPE_CHECKING:
    from starlette.types import Scope

    from soundalike.api.keyring import Keyring
    from soundalike.api.locality import Locality


@dataclass(frozen=True, slots=True)
class PathAccess:
    """The person at this machine, and whoever has a key, whatever else is open to everybody."""

    locality: Locality
    keyring: Keyring

    def permits(self, scope: Scope) -> bool:
        """Tell whether the caller of a request may see paths."""
        headers = Headers(scope=scope)
        # With a signed link there is a key, too.
        if "key" in scope or self.locality.is_local(scope, headers):
            return True
        try:
            return self.keyring.of_headers(headers) is not None
        except KeysUnavailable:
            return False
