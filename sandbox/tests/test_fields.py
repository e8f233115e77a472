import pytest

from soundalike.sandbox.fields import InvalidFields, select

REPLY = {
    "total": 2,
    "next": None,
    "items": [
        {"added_at": "then", "item": {"id": "1", "name": "One", "album": {"id": "a", "name": "A"}}, "track": None},
        {"added_at": "now", "item": None, "track": None},
    ],
}


@pytest.mark.parametrize(
    ("fields", "selected"),
    [
        ("total", {"total": 2}),
        ("total,next", {"total": 2, "next": None}),
        ("items.added_at", {"items": [{"added_at": "then"}, {"added_at": "now"}]}),
        ("items(item(id,album.name))", {"items": [{"item": {"id": "1", "album": {"name": "A"}}}, {"item": None}]}),
        ("items.item(id),items.added_at,total", None),
        (
            "items(item(!album,!name),track)",
            {"items": [{"item": {"id": "1"}, "track": None}, {"item": None, "track": None}]},
        ),
        ("nothing", {}),
    ],
)
def test_select(fields: str, selected: dict[str, object] | None) -> None:
    if selected is None:
        selected = {
            "items": [{"item": {"id": "1"}, "added_at": "then"}, {"item": None, "added_at": "now"}],
            "total": 2,
        }
    assert select(REPLY, fields) == selected


@pytest.mark.parametrize("fields", ["items(", "items(item", "items)", "a,,b", ",", "items()", "it ems"])
def test_invalid_filters_are_refused(fields: str) -> None:
    with pytest.raises(InvalidFields):
        select(REPLY, fields)
