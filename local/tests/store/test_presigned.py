"""Addresses that carry their signature."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .conftest import Caller

if TYPE_CHECKING:
    from collections.abc import Callable


class TestPresigned:
    def test_objects_can_be_written_and_read(self, owner: Caller, bucket: str) -> None:
        target = f"/{bucket}/by%20address"
        assert owner.send("PUT", owner.presign("PUT", target), {"Content-Type": "audio/mpeg"}, b"new").status == 200
        answer = owner.send("GET", owner.presign("GET", target), {"Range": "bytes=1-"})
        assert (answer.status, answer.body) == (206, b"ew")
        head = owner.send("HEAD", owner.presign("HEAD", target))
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "3")

    def test_addresses_of_boto3_work(self, owner: Caller, bucket: str) -> None:
        client = owner.client("s3", signature_version="s3v4")
        for operation, method, body, status in [
            ("put_object", "PUT", b"new", 200),
            ("get_object", "GET", b"", 200),
            ("head_object", "HEAD", b"", 200),
            ("delete_object", "DELETE", b"", 403),
        ]:
            url = client.generate_presigned_url(operation, Params={"Bucket": bucket, "Key": "a b/é"}, ExpiresIn=60)
            assert owner.send(method, url.removeprefix(f"http://{owner.host}"), body=body).status == status
        for operation, method in [("list_objects_v2", "GET"), ("create_bucket", "PUT"), ("head_bucket", "HEAD")]:
            url = client.generate_presigned_url(operation, Params={"Bucket": bucket}, ExpiresIn=60)
            assert owner.send(method, url.removeprefix(f"http://{owner.host}")).status == 403
        client.close()

    def test_end(self, owner: Caller, bucket: str) -> None:
        target, now = f"/{bucket}/kept", datetime.now(UTC)
        for at, expires, status in [
            (now - timedelta(seconds=90), 60, 403),
            (now - timedelta(days=6), 7 * 86_400, 200),
            (now - timedelta(days=8), 7 * 86_400, 403),
            (now + timedelta(minutes=16), 60, 403),
            (now, 7 * 86_400 + 1, 400),
            (now, 0, 400),
            (now, -1, 400),
        ]:
            assert owner.send("GET", owner.presign("GET", target, expires, at=at)).status == status

    def test_cannot_be_changed(self, owner: Caller, bucket: str, intact: Callable[[], None]) -> None:
        read, write = owner.presign("GET", f"/{bucket}/kept"), owner.presign("PUT", f"/{bucket}/new")
        for method, target in [
            ("PUT", read),
            ("DELETE", read),
            ("HEAD", read),
            ("GET", read.replace("/kept", "/other")),
            ("GET", read.replace("X-Amz-Expires=60", "X-Amz-Expires=600")),
            ("GET", read[:-1] + ("0" if read[-1] != "0" else "1")),
            ("GET", f"{read}0"),
            ("GET", f"{read}&X-Amz-Expires=600"),
            ("GET", f"{read}&uploads"),
            ("GET", f"{read}&response-content-type=text/html"),
            ("GET", read.replace("X-Amz-Signature", "x-amz-signature")),
            ("GET", read.partition("&X-Amz-Signature")[0]),
            ("GET", read.replace("SignedHeaders=host", "SignedHeaders=")),
            ("PUT", write.replace("/new", "/kept")),
            ("PUT", f"{write}&x-amz-copy-source={bucket}%2Fkept"),
            ("GET", write),
        ]:
            assert owner.send(method, target).is_refusal, (method, target)
        intact()
        assert owner.send("PUT", write, {"x-amz-acl": "public-read"}).is_refusal
        assert owner.send("PUT", write, {"x-amz-copy-source": f"/{bucket}/kept"}).is_refusal
        assert owner.send("GET", read, owner.sign("GET", f"/{bucket}/kept")).is_refusal
        intact()

    def test_a_secret_that_is_wrong_signs_no_address(self, owner: Caller, bucket: str) -> None:
        other = Caller(owner.host, owner.access_key_id, "wrong-wrong-wrong")
        assert owner.send("GET", other.presign("GET", f"/{bucket}/kept")).status == 403

    def test_forms_are_refused(self, owner: Caller, bucket: str, intact: Callable[[], None]) -> None:
        client = owner.client("s3", signature_version="s3v4")
        form = client.generate_presigned_post(bucket, "new")
        client.close()
        fields = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in {**form["fields"], "file": "new"}.items()
        )
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert owner.send("POST", f"/{bucket}", headers, f"{fields}--x--\r\n".encode()).status == 403
        intact()
