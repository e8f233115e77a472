"""S3 events in queue messages, by the rules of the S3 user guide ("Event message structure")."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote_plus, unquote_plus

from pydantic import BaseModel, ConfigDict, Field, Json, TypeAdapter, ValidationError

from soundalike.errors import PermanentError


class UnreadableEvent(PermanentError):
    """The message is not an S3 event; it is left for the dead-letter queue, where a person sees it."""


class OtherBucket(UnreadableEvent):
    """The message is about a bucket that is not ours: somebody's notifications are misdirected, or it is forged."""


@dataclass(frozen=True, slots=True)
class ObjectCreated:
    """An object was created under `key`; `sequencer` orders the events of one key."""

    key: str
    sequencer: str | None


class _Object(BaseModel):
    key: str
    sequencer: str | None = None


class _Bucket(BaseModel):
    name: str


class _S3(BaseModel):
    object: _Object
    # Absent in the messages that earlier versions of the sweep sent.
    bucket: _Bucket | None = None


class _Record(BaseModel):
    event_version: str = Field(alias="eventVersion", pattern=r"^2\.")
    event_name: str = Field(alias="eventName")
    s3: _S3


class _Event(BaseModel):
    records: list[_Record] = Field(alias="Records", min_length=1)


class _Test(BaseModel):
    event: str = Field(alias="Event", pattern=r"^s3:TestEvent$")


class _Wrapped(BaseModel):
    model_config = ConfigDict(extra="ignore")

    type: str = Field(alias="Type", pattern=r"^Notification$")
    message: Json[_Event | _Test] = Field(alias="Message")


_BODY: TypeAdapter[_Event | _Test | _Wrapped] = TypeAdapter(_Event | _Test | _Wrapped)


def parse_message(body: str, *, bucket: str | None = None) -> list[ObjectCreated]:
    """List the objects that a message reports; none for S3's test event and for events that create nothing.

    An event wrapped by SNS is unwrapped. Raises `UnreadableEvent` for every other body, and `OtherBucket` for one that
    names another bucket than `bucket`, in any of its records: S3 puts no two into a message.
    """
    try:
        parsed = _BODY.validate_json(body)
    except ValidationError as error:
        raise UnreadableEvent(f"the message is not an S3 event ({error.error_count()} mismatches)") from error
    inner = parsed.message if isinstance(parsed, _Wrapped) else parsed
    if isinstance(inner, _Test):
        return []
    for record in inner.records:
        if bucket is not None and record.s3.bucket is not None and record.s3.bucket.name != bucket:
            raise OtherBucket(f"the message is about the bucket {record.s3.bucket.name!r}, not {bucket!r}")
    return [
        ObjectCreated(key=unquote_plus(record.s3.object.key), sequencer=record.s3.object.sequencer)
        for record in inner.records
        if record.event_name.removeprefix("s3:").startswith("ObjectCreated:")
    ]


def format_message(key: str, bucket: str | None = None) -> str:
    """Return the message that S3 would send for an object, for one whose own message was lost."""
    record: dict[str, object] = {
        "eventVersion": "2.1",
        "eventName": "ObjectCreated:Put",
        "s3": {**({"bucket": {"name": bucket}} if bucket else {}), "object": {"key": quote_plus(key, safe="/")}},
    }
    return TypeAdapter(dict[str, list[dict[str, object]]]).dump_json({"Records": [record]}).decode()
