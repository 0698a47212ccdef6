"""The functions' S3 client against a server that answers, fails and hangs up as a test asks; all over HTTP."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from marketlake import s3
from marketlake.errors import PermissionDenied, StorageUnavailable, UnexpectedError
from marketlake.storage import CONFLICT_PAUSES, Bucket, ObjectMissing, PreconditionFailed

ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>as S3 says &amp; writes</Message></Error>"
KEYS = [f"d/k{number:04}" for number in range(2300)]


class Answers(ThreadingHTTPServer):
    """Answers each request by the last part of its path: ``503-SlowDown``, ``reset``, else success."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.lists: list[str] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Answers

    def do_PUT(self) -> None:
        self.answer()

    do_GET = do_HEAD = do_PUT  # noqa: N815

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        path, _, query = self.path.partition("?")
        what = path.rpartition("/")[2]
        if "list-type" in query:
            self.server.lists.append(query)
            return self.send(200, _listing(query))
        self.server.requests[what] += 1
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        if what == "reset":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return None
        status, _, code = what.partition("-")
        return self.send(int(status), ERROR.format(code=code).encode()) if code else self.send(200, b"body")

    def send(self, status: int, body: bytes) -> None:
        body = b"" if self.command == "HEAD" else body
        self.send_response(status)
        about = {"ETag": '"e1"', "x-amz-meta-days": "1f", "Last-Modified": "Mon, 30 Nov 2026 10:00:00 GMT"}
        for name, value in about.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", f"{len(body)}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def _listing(query: str) -> bytes:
    from urllib.parse import parse_qs

    asked = {name: values[0] for name, values in parse_qs(query).items()}
    after = asked.get("continuation-token") or asked.get("start-after", "")
    keys = [key for key in KEYS if key.startswith(asked.get("prefix", "")) and key > after]
    page, more = keys[:1000], len(keys) > 1000
    items = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-11-30T10:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>"
        "<Size>1</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for key in page
    )
    token = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
    return (
        '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
        f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{token}{items}</ListBucketResult>"
    ).encode()


@pytest.fixture
def server() -> Iterator[Answers]:
    with Answers() as answers:
        threading.Thread(target=answers.serve_forever, daemon=True).start()
        yield answers
        answers.shutdown()


@pytest.fixture
def bucket(server: Answers, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(
        s3, "RETRIES", {**s3.RETRIES, "backoff": {**s3.PAUSES, "init_backoff": timedelta(milliseconds=1)}}
    )
    monkeypatch.setattr("marketlake.storage.time.sleep", lambda _: None)
    client: Any = s3.ObjectStoreS3()
    return Bucket("lake", client)


@pytest.mark.parametrize(
    ("answer", "raised", "tries"),
    [
        ("503-SlowDown", StorageUnavailable, 4),
        ("500-InternalError", StorageUnavailable, 4),
        ("429-TooManyRequestsException", StorageUnavailable, 4),
        ("400-RequestTimeout", StorageUnavailable, 1),
        ("404-NoSuchBucket", UnexpectedError, 1),
        ("400-InvalidArgument", UnexpectedError, 1),
        ("301-PermanentRedirect", UnexpectedError, 1),
        ("reset", StorageUnavailable, 4),
    ],
)
@pytest.mark.parametrize("how", ["get", "put"])
def test_an_answer_that_is_no_success_is_one_of_our_errors(
    server: Answers, bucket: Bucket, answer: str, raised: type[Exception], tries: int, how: str
) -> None:
    with pytest.raises(raised, match=f"s3:{how.title()}Object s3://lake/raw/{answer}") as caught:
        bucket.get(f"raw/{answer}") if how == "get" else bucket.put(f"raw/{answer}", b"x", "text/plain")
    assert server.requests[answer] == tries
    if raised is UnexpectedError and "301" not in answer:
        assert "as S3 says & writes" in str(caught.value)


def test_what_is_missing_is_told_from_what_is_refused(bucket: Bucket) -> None:
    for read in (bucket.get, bucket.metadata):
        with pytest.raises(ObjectMissing):
            read("raw/404-NoSuchKey")
        with pytest.raises(ObjectMissing, match="no listing has it"):
            read("raw/403-AccessDenied")
    with pytest.raises(PermissionDenied, match=r"s3:PutObject.*as S3 says & writes"):
        bucket.put("raw/403-AccessDenied", b"x", "text/plain")


@pytest.mark.parametrize("condition", [{"if_absent": True}, {"if_match": "e1"}], ids=str)
def test_412_is_a_decision_and_409_is_not(server: Answers, bucket: Bucket, condition: dict[str, Any]) -> None:
    """obstore has one class for both, where the condition is that there is no object."""
    with pytest.raises(PreconditionFailed):
        bucket.put("m/412-PreconditionFailed", b"x", "text/plain", **condition)
    with pytest.raises(StorageUnavailable, match="under way at every try"):
        bucket.put("m/409-ConditionalRequestConflict", b"x", "text/plain", **condition)
    assert server.requests["412-PreconditionFailed"] == 1
    assert server.requests["409-ConditionalRequestConflict"] > len(CONFLICT_PAUSES)


def test_if_match_on_an_object_that_is_gone_is_a_lost_race(bucket: Bucket) -> None:
    with pytest.raises(PreconditionFailed):
        bucket.put("m/404-NoSuchKey", b"x", "text/plain", if_match="e1")


def test_what_is_sent_and_what_comes_back(server: Answers, bucket: Bucket) -> None:
    assert bucket.put("x/one", b"x", "text/csv", metadata={"days": "1f"}) == "e1"
    assert bucket.put("x/two", b"x", "text/csv", if_match="e0") == "e1"
    assert bucket.put("x/three", b"x", "text/csv", if_absent=True) == "e1"
    one, two, three = server.headers
    assert (one["content-type"], one["x-amz-meta-days"]) == ("text/csv", "1f")
    assert two["if-match"] == '"e0"'
    assert three["if-none-match"] == "*"
    assert not {"if-match", "if-none-match"} & one.keys()
    found = bucket.get("x/one")
    assert (found.body, found.etag, found.metadata) == (b"body", "e1", {"days": "1f"})
    assert bucket.metadata("x/one") == {"days": "1f"}


def test_a_listing_costs_one_request_a_thousand_keys_and_none_that_nobody_reads(
    server: Answers, bucket: Bucket
) -> None:
    assert [key for key, _ in bucket.keys("d/")] == KEYS
    assert len(server.lists) == 3
    assert next(iter(bucket.keys("d/", start_after=KEYS[41]))) == (KEYS[42], "e")
    assert len(server.lists) == 4


@pytest.mark.parametrize("prefix", ["d/k00", "d/k0042", "d/", "d/none", "none/", KEYS[-1]])
def test_a_prefix_may_end_within_a_name(server: Answers, bucket: Bucket, prefix: str) -> None:
    assert [key for key, _ in bucket.keys(prefix)] == [key for key in KEYS if key.startswith(prefix)]
    assert len(server.lists) <= 3


def test_an_answer_that_does_not_come_is_worth_another_try(bucket: Bucket, server: Answers) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(StorageUnavailable, match=r"s3:GetObject s3://lake/x: .*try again later"):
        bucket.get("x")
