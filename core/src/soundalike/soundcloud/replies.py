"""The users and tracks in SoundCloud's responses; fields that are not used are not read.

A field that is missing, null, or of another type than documented becomes None rather than an error wherever a user or
track can be used without it: owners hide counts, and old tracks lack newer fields.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from soundalike.soundcloud import tag_list
from soundalike.soundcloud.errors import InvalidAddress, UnreadableReply
from soundalike.soundcloud.urns import urn_of

Model = TypeVar("Model", bound="User | Track")

_MAX_COUNT: Final = 2**63 - 1
_MAX_DURATION_MS: Final = 2**31 - 1


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_COUNT:
        return None
    return value


def _duration(value: Any) -> int | None:
    count = _count(value)
    return count if count is not None and count <= _MAX_DURATION_MS else None


def _text(value: Any) -> str | None:
    # PostgreSQL stores no NUL, and a lone surrogate is no UTF-8.
    if not isinstance(value, str):
        return None
    cleaned = value.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()
    return cleaned or None


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        read = datetime.strptime(value, "%Y/%m/%d %H:%M:%S %z") if "/" in value else datetime.fromisoformat(value)
        return read.replace(tzinfo=read.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _tempo(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 < value < 1_000 else None


def _access(value: Any) -> str | None:
    return value if value in {"playable", "preview", "blocked"} else None


Count = Annotated[int | None, BeforeValidator(_count)]
Duration = Annotated[int | None, BeforeValidator(_duration)]
Text = Annotated[str | None, BeforeValidator(_text)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class _Reply(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


def _with_urn(kind: Literal["tracks", "users"], row: Any) -> Any:
    if not isinstance(row, dict):
        raise ValueError(f"is not an object but {type(row).__name__}")  # noqa: TRY004 - pydantic reports ValueErrors
    for name in ("urn", "id", "uri"):
        if row.get(name) is not None:
            try:
                return {**row, "urn": urn_of(kind, row[name])}
            except InvalidAddress:
                continue
    raise ValueError("has neither urn nor id")


def _or_none(row: Any, read_row: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read_row(row)
    except ValidationError:
        return None


class User(_Reply):
    """An account, with only the fields that are used here."""

    urn: str
    username: Text = None
    permalink_url: Text = None
    track_count: Count = None
    public_favorites_count: Count = None
    followers_count: Count = None

    @model_validator(mode="before")
    @classmethod
    def _add_urn(cls, row: Any) -> Any:
        return _with_urn("users", row)


class Track(_Reply):
    """A track; `duration` in milliseconds, `user` the account that uploaded it, where there is one."""

    urn: str
    title: Text = None
    permalink_url: Text = None
    duration: Duration = None
    created_at: Moment = None
    genre: Text = None
    tag_list: Text = None
    isrc: Text = None
    label_name: Text = None
    license: Text = None
    metadata_artist: Text = None
    description: Text = None
    bpm: Annotated[float | None, BeforeValidator(_tempo)] = None
    key_signature: Text = None
    playback_count: Count = None
    favoritings_count: Count = None
    reposts_count: Count = None
    comment_count: Count = None
    download_count: Count = None
    access: Annotated[Literal["playable", "preview", "blocked"] | None, BeforeValidator(_access)] = None
    sharing: Text = None
    user: Annotated[User | None, WrapValidator(_or_none)] = None

    @model_validator(mode="before")
    @classmethod
    def _add_urn(cls, row: Any) -> Any:
        return _with_urn("tracks", row)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of `tag_list`."""
        return tag_list.split(self.tag_list)


_ADAPTERS: Final[dict[type[Any], TypeAdapter[Any]]] = {User: TypeAdapter(User), Track: TypeAdapter(Track)}


def read(model: type[Model], row: Any) -> Model:
    """Read one object of a response; raises `UnreadableReply` naming what is wrong with it."""
    try:
        value: Model = _ADAPTERS[model].validate_python(row)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, one['loc']))} {one['msg']}".lstrip() for one in error.errors())
        raise UnreadableReply(f"SoundCloud's {model.__name__.lower()} cannot be read: {reasons}") from error
    return value
