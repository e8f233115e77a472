"""The `fields` filter of the playlist routes: `total,items(added_at,item(id,name))`, `items.item.id`, `!name`."""

from dataclasses import dataclass, field
from typing import Any

from soundalike.sandbox.errors import SandboxError


class InvalidFields(SandboxError, ValueError):
    """The filter does not follow the grammar."""


@dataclass
class _FieldSelection:
    included: "dict[str, _FieldSelection]" = field(default_factory=dict)
    excluded: set[str] = field(default_factory=set)

    def apply(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.apply(inner) for inner in value]
        if not isinstance(value, dict) or not (self.included or self.excluded):
            return value
        if not self.included:
            return {name: inner for name, inner in value.items() if name not in self.excluded}
        return {name: selection.apply(value[name]) for name, selection in self.included.items() if name in value}


def select(reply: dict[str, Any], fields: str) -> dict[str, Any]:
    """Return the part of a reply that a filter names; InvalidFields if its parentheses or names are wrong."""
    selection, rest = _parse(fields)
    if rest:
        raise InvalidFields(f"the fields filter {fields!r} has one parenthesis too many")
    selected: dict[str, Any] = selection.apply(reply)
    return selected


def _parse(text: str) -> tuple[_FieldSelection, str]:
    """Return the selection that a list of fields makes, and the text from its closing parenthesis on."""
    selection = _FieldSelection()
    while True:
        end = next((index for index, letter in enumerate(text) if letter in ",()"), len(text))
        name, text = text[:end].strip(), text[end:]
        if not name.removeprefix("!").replace(".", "").replace("_", "").isalnum():
            raise InvalidFields(f"{name!r} is no field name")
        if name.startswith("!"):
            selection.excluded.add(name[1:])
        else:
            inner = selection
            for part in name.split("."):
                inner = inner.included.setdefault(part, _FieldSelection())
            if text.startswith("("):
                nested, text = _parse(text[1:])
                if not text.startswith(")"):
                    raise InvalidFields(f"the parenthesis after {name!r} is not closed")
                inner.included.update(nested.included)
                inner.excluded |= nested.excluded
                text = text[1:]
        if not text.startswith(","):
            return selection, text
        text = text[1:]
