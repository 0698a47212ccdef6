"""What goes around an upstream document, honest or not."""

from __future__ import annotations

import gzip
import zlib

from hypothesis import strategies as st

from tests.unit.hostile.answering import http

STATUSES = st.sampled_from(
    [
        *("200 OK", "200", "204 No Content", "206 Partial Content", "304 Not Modified", "400 Bad Request", "401 No"),
        *("403 No", "404 Not Found", "408 Timeout", "418 Teapot", "422 No", "429 Too Many Requests", "500 Oops"),
        *("502 Bad Gateway", "503 Service Unavailable", "599 Strange", "999 Request denied", "200 \u00e9\u00e8"),
    ]
)
HEADERS = st.sampled_from(
    [
        "Content-Type: text/html",
        "Content-Type: application/json; charset=utf-16",
        "Content-Type: application/json; charset=no-such-charset",
        "Content-Type: ;;;=",
        "Retry-After: -1",
        "Retry-After: 99999999999999999999",
        "Retry-After: Wed, 32 Foo 9999 99:99:99 GMT",
        "Retry-After: \u00bd",
        "Content-Encoding: gzip",
        "Content-Encoding: deflate",
        "Content-Encoding: br",
        "Content-Encoding: no-such-encoding",
        "Transfer-Encoding: chunked",
        "Location: http://127.0.0.1:9/elsewhere",
        "Set-Cookie: A3=; expires=Thu, 99 Jan 9999 00:00:00 GMT",
        "X-Long: " + "x" * 5000,
        "no colon here",
    ]
)


REDIRECTS = st.sampled_from(
    ["/again", "http://127.0.0.1:9/x", "http://[::1", "http://\u00e9:99999/", "ftp://x", "", "//"]
)


@st.composite
def enveloped(draw: st.DrawFn, bodies: st.SearchStrategy[bytes]) -> bytes:
    """An answer on the wire: mostly a plain one, so that the document itself is what is tried."""
    body = draw(bodies)
    kind = draw(st.sampled_from([*["plain"] * 7, "status", "redirect", "headers", "short", "cut", "gzip", "bytes"]))
    if kind == "status":
        return http(body, draw(STATUSES))
    if kind == "redirect":
        return http(
            body, draw(st.sampled_from(["301 Moved", "302 Found", "307 Temporary"])), (f"Location: {draw(REDIRECTS)}",)
        )
    if kind == "headers":
        return http(body, headers=tuple(draw(st.lists(HEADERS, min_size=1, max_size=3))))
    if kind == "short":
        return http(body, missing=draw(st.integers(-len(body), 100)))
    if kind == "cut":
        whole = http(body)
        return whole[: draw(st.integers(0, len(whole)))]
    if kind == "gzip":
        packed = gzip.compress(body, mtime=0)
        return http(packed[: draw(st.integers(0, len(packed)))], headers=("Content-Encoding: gzip",))
    return draw(st.binary(max_size=100)) if kind == "bytes" else http(body)


def body_of(answer: bytes) -> bytes:
    """The document in an answer that was taken for whole, unpacked; of a packed one the checksum may be cut off."""
    body = answer.split(b"\r\n\r\n", 1)[1]
    return zlib.decompressobj(31).decompress(body) if body.startswith(b"\x1f\x8b") else body
