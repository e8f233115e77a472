from __future__ import annotations

import json

import pytest

from soundalike.extractor import s3_events
from soundalike.extractor.s3_events import ObjectCreated, OtherBucket, UnreadableEvent


def record(
    key: str = "previews/deezer/1.mp3", *, name: str = "ObjectCreated:Put", version: str = "2.1", **object_: object
) -> dict[str, object]:
    return {
        "eventVersion": version,
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": "b"}, "object": {"key": key, "size": 1, **object_}},
    }


def body(*records: dict[str, object]) -> str:
    return json.dumps({"Records": list(records)})


def test_an_upload_is_read() -> None:
    assert s3_events.parse_message(body(record(sequencer="0055AED6"))) == [
        ObjectCreated("previews/deezer/1.mp3", "0055AED6")
    ]


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("previews/a+b%2Bc%2520%C3%A9.mp3", "previews/a b+c%20é.mp3"),
        ("previews%2Fa+b%2Bc%2520%C3%A9.mp3", "previews/a b+c%20é.mp3"),
    ],
)
def test_keys_are_url_decoded_in_both_encodings(encoded: str, key: str) -> None:
    assert s3_events.parse_message(body(record(encoded)))[0].key == key


def test_several_records_in_one_body() -> None:
    assert [c.key for c in s3_events.parse_message(body(record("a"), record("b")))] == ["a", "b"]


@pytest.mark.parametrize("version", ["2.0", "2.3", "2.9"])
def test_any_minor_version_and_unknown_fields_are_accepted(version: str) -> None:
    assert s3_events.parse_message(body(record(version=version, versionId="x") | {"later": {"invented": 1}}))


def test_the_test_event_asks_for_nothing() -> None:
    assert s3_events.parse_message('{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}') == []


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "LifecycleExpiration:Delete", "ObjectRestore:Completed"])
def test_events_that_create_nothing_are_dropped(name: str) -> None:
    assert s3_events.parse_message(body(record(name=name))) == []


@pytest.mark.parametrize(
    "name", ["s3:ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Post"]
)
def test_every_way_of_creating_counts(name: str) -> None:
    assert len(s3_events.parse_message(body(record(name=name)))) == 1


def test_an_event_wrapped_by_sns_is_unwrapped() -> None:
    wrapped = json.dumps({"Type": "Notification", "MessageId": "m", "Message": body(record("a"))})
    assert [c.key for c in s3_events.parse_message(wrapped)] == ["a"]


@pytest.mark.parametrize(
    "other",
    ["", "hello", "[]", "{}", '{"Records": []}', '{"Records": [{}]}', '{"detail": {"object": {"key": "a"}}}',
     body(record(version="3.0")), '{"Type": "Notification", "Message": "no json"}'],
)  # fmt: skip
def test_any_other_body_is_unreadable_and_never_taken_for_done(other: str) -> None:
    with pytest.raises(UnreadableEvent):
        s3_events.parse_message(other)


@pytest.mark.parametrize("key", ["previews/deezer/1.mp3", "previews/a b+c%20é.mp3"])
def test_a_message_of_our_own_reads_back(key: str) -> None:
    assert s3_events.parse_message(s3_events.format_message(key)) == [ObjectCreated(key, None)]


def test_another_bucket_is_refused_by_name() -> None:
    assert len(s3_events.parse_message(body(record()), bucket="b")) == 1
    with pytest.raises(OtherBucket, match=r"about the bucket 'b', not 'ours\\x1b'"):
        s3_events.parse_message(body(record()), bucket="ours\x1b")


def test_what_removes_something_from_another_bucket_is_refused_too() -> None:
    with pytest.raises(OtherBucket):
        s3_events.parse_message(body(record(name="ObjectRemoved:Delete")), bucket="ours")


def test_a_message_of_our_own_names_the_bucket() -> None:
    message = s3_events.format_message("previews/deezer/1.mp3", "ours")
    assert s3_events.parse_message(message, bucket="ours") == [ObjectCreated("previews/deezer/1.mp3", None)]
    with pytest.raises(OtherBucket):
        s3_events.parse_message(message, bucket="another")
