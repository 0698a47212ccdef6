"""The mark in a PNG that names what it was made from, so that a test sees a picture that is out of date."""

from __future__ import annotations

import re
import struct
import zlib

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"source-sha256"


def marked(image: bytes, mark: str) -> bytes:
    """The PNG ``image`` with ``mark`` as its first text chunk (https://www.w3.org/TR/png-3/#11tEXt)."""
    body = b"tEXt" + KEYWORD + b"\0" + mark.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    header = len(PNG_SIGNATURE) + 25  # the header's chunk has a fixed size
    return image[:header] + chunk + image[header:]


def mark_of(image: bytes) -> str:
    """The mark that ``marked`` put there; empty where there is none."""
    found = re.search(rb"tEXt" + KEYWORD + rb"\0([0-9a-f]{64})", image[:1000])
    return found[1].decode() if found else ""
