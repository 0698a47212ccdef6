"""A result as a file, by the file's extension."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from infra.client.errors import OpsError, Refusal
from infra.client.texts import plain

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = (".csv", ".parquet", ".json")


def refuse_unknown(path: Path) -> None:
    """Refuse a file that cannot be written, before a query is paid for.

    Raises:
        Refusal: the extension is none of ``FORMATS``, or there is no such folder.
    """
    if path.suffix.lower() not in FORMATS:
        raise Refusal(f"--output {path}: accepted are files ending with {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise Refusal(f"--output {path}: there is no folder {path.parent}")


def write(table: pa.Table, path: Path) -> None:
    """Write ``table`` to ``path``; a file that is there is replaced.

    Raises:
        OpsError: the file cannot be written.
    """
    writers = {".csv": _csv, ".parquet": _parquet, ".json": _json}
    try:
        writers[path.suffix.lower()](table, path)
    except OSError as error:
        raise OpsError(f"{path} cannot be written: {error.strerror or error}") from error


def _csv(table: pa.Table, path: Path) -> None:
    from pyarrow import csv

    csv.write_csv(table, path)


def _parquet(table: pa.Table, path: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(table, path)


def _json(table: pa.Table, path: Path) -> None:
    path.write_text(json.dumps(records(table), indent=1, default=plain, ensure_ascii=False) + "\n", "utf-8")


def records(table: pa.Table) -> list[dict[str, object]]:
    """A record a row as JSON can hold them: JSON has no NaN and no infinity, so these become null."""

    def kept(value: object) -> object:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [{name: kept(value) for name, value in row.items()} for row in table.to_pylist()]
