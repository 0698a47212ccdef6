"""The rows of a small CSV file that a person keeps, each with its place for messages."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from marketlake.errors import ContractViolation


def read_rows(content: bytes, name: str) -> tuple[list[str], list[tuple[str, dict[str, str]]]]:
    """Header, and each row (column to text, without spaces around it) with its place: ``name`` and line.

    Raises:
        ContractViolation: it is not a CSV file in UTF-8.
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        header = list(reader.fieldnames or [])
        rows = [
            (f"{name} line {reader.line_num}", {column: (row[column] or "").strip() for column in header})
            for row in reader
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ContractViolation(f"{name} is not a CSV file in UTF-8: {error}; give one with a header") from error
    return header, rows


def require(header: Sequence[str], columns: Sequence[str], name: str, example: str) -> None:
    """Refuse a file that lacks one of ``columns``; ``example`` is a file that has them.

    Raises:
        ContractViolation: it does; the message names what is there and what lacks.
    """
    lacking = [column for column in columns if column not in header]
    if lacking:
        raise ContractViolation(f"{name}: header {list(header)} lacks {' or '.join(lacking)}; see {example}")
