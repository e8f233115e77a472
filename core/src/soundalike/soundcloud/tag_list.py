"""Tags as SoundCloud writes them: one text, separated by spaces, those of several words in quotes."""

from __future__ import annotations

import re
from typing import Final

# A quote that is never closed extends to the end.
_TAG: Final = re.compile(r'"([^"]*)(?:"|$)|(\S+)')


def split(text: str | None) -> tuple[str, ...]:
    """Return the tags of a `tag_list`, each once, in their order; machine tags (`soundcloud:source=…`) left out."""
    tags = (" ".join((quoted or plain).split()) for quoted, plain in _TAG.findall(text or ""))
    return tuple(dict.fromkeys(tag for tag in tags if tag and not _is_machine_tag(tag)))


def _is_machine_tag(tag: str) -> bool:
    namespace, colon, rest = tag.partition(":")
    return bool(colon) and "=" in rest and namespace.isidentifier()
