"""Keys of the lake: where an object of a dataset, day or execution lies.

One day has one key in ``raw`` and one in ``clean``, whoever writes it and however often.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from marketlake.contract import Contract
from marketlake.errors import ContractViolation
from marketlake.storage import Bucket


def config_key(file: str) -> str:
    """Key in the artifacts bucket of a symbols file in force, such as ``constituents.csv``."""
    return f"config/{file}"


def raw_key(contract: Contract, day: date, symbols: Sequence[str] = ()) -> str:
    """Key in the raw bucket of one day as received; a request for some symbols only has a key of its own."""
    return f"raw/{contract.name}/dt={day}/{_raw_file(contract, symbols)}"


def before_key(contract: Contract, day: date, symbols: Sequence[str] = ()) -> str:
    """Key in the raw bucket of the bars in the days before ``day``, from the same pass as that day's object."""
    return f"raw/{contract.name}/before/dt={day}/{_raw_file(contract, symbols)}"


def pass_key(contract: Contract, execution: str, symbols: Sequence[str], name: str) -> str:
    """Key in the raw bucket of the part ``name`` of what one pass of an execution over the source brought."""
    which = _raw_file(contract, symbols).rsplit(".", 1)[0] if symbols else "all"
    return f"raw/{contract.name}/passes/execution={execution}/{which}/{name}"


def _raw_file(contract: Contract, symbols: Sequence[str]) -> str:
    if not symbols:
        return contract.raw.file
    digest = hashlib.sha256("\n".join(sorted(symbols)).encode()).hexdigest()[:12]
    return f"symbols-{digest}.{contract.raw.file.rsplit('.', 1)[1]}"


def quarantine_key(contract: Contract, execution: str, index: int) -> str:
    """Key in the raw bucket of a batch's rejected rows, with their reasons, as CSV."""
    return f"{quarantine_prefix(contract.name)}execution={execution}/batch-{index}.csv"


def quarantine_prefix(dataset: str) -> str:
    """Prefix in the raw bucket of the quarantine of ``dataset``; the location of its table."""
    return f"quarantine/{dataset}/"


def lookup_prefix(table: str) -> str:
    """Prefix in the artifacts bucket of a lookup table's one object; the table's location."""
    return f"config/tables/{table}/"


def clean_prefix(dataset: str) -> str:
    """Prefix in the clean bucket below which the days of ``dataset`` lie; the location of its table."""
    return f"clean/{dataset}/"


def clean_key(dataset: str, day: date) -> str:
    """Key in the clean bucket of one day's Parquet object."""
    return f"{clean_prefix(dataset)}dt={day}/part-0.parquet"


def year_table(dataset: str) -> str:
    """Name of the table of ``dataset`` by year."""
    return f"{dataset}_by_year"


def year_prefix(dataset: str) -> str:
    """Prefix in the clean bucket of the compact form of ``dataset``; the location of its table by year."""
    return f"by_year/{dataset}/"


def year_key(dataset: str, year: int) -> str:
    """Key in the clean bucket of one year's Parquet object."""
    return f"{year_prefix(dataset)}year={year}/part-0.parquet"


ACTIONS_PREFIX = "actions/"
"""Prefix in the clean bucket of the corporate actions of all datasets; the location of their table."""


def actions_key(dataset: str) -> str:
    """Key in the clean bucket of the corporate actions of ``dataset``, of all its years."""
    return f"{ACTIONS_PREFIX}{dataset}/part-0.parquet"


def marker_prefix(dataset: str) -> str:
    """Prefix in the clean bucket of the processed markers of ``dataset``."""
    return f"markers/{dataset}/"


def marker_key(dataset: str, day: date) -> str:
    """Key in the clean bucket of one day's processed marker."""
    return f"{marker_prefix(dataset)}dt={day}.json"


def day_of_key(key: str) -> date:
    """The day of a key that has a ``dt=YYYY-MM-DD`` part.

    Raises:
        ContractViolation: the key has no such part, so we did not write it.
    """
    try:
        return date.fromisoformat(key.partition("dt=")[2][:10])
    except ValueError as error:
        raise ContractViolation(f"object {key!r} is not a day of the lake; remove it, then run again") from error


def keys_of_days(bucket: Bucket, prefix: str, days: Sequence[date]) -> dict[str, str]:
    """Keys with their ETags of all objects of ``days`` (ascending) below ``prefix``; one request per 1,000 objects."""
    wanted = set(days)
    return {key: etag for day, key, etag in objects_by_day(bucket, prefix, days[0], days[-1]) if day in wanted}


def clean_etags(bucket: Bucket, dataset: str, start: date | None, end: date) -> dict[date, str]:
    """ETags of the daily objects of ``dataset`` from ``start`` (else the first) to ``end``."""
    return {day: etag for day, _, etag in objects_by_day(bucket, clean_prefix(dataset), start, end)}


def objects_by_day(bucket: Bucket, prefix: str, start: date | None, end: date) -> Iterator[tuple[date, str, str]]:
    """Day, key and ETag of all objects below ``prefix`` from ``start`` (else the first) to ``end``, ascending."""
    for key, etag in bucket.keys(prefix, start_after=f"{prefix}dt={start}" if start else ""):
        day = day_of_key(key)
        if day > end:
            return
        yield day, key, etag


def manifest_key(execution: str, index: int, stage: str) -> str:
    """Key in the clean bucket of what ``stage`` describes of batch ``index`` for the next one (a claim check)."""
    return f"{manifest_prefix(execution)}{index}-{stage}.json"


def batch_rows_key(execution: str, index: int) -> str:
    """Key in the clean bucket of the rows of batch ``index`` that Validate hands on to Transform."""
    return f"{manifest_prefix(execution)}{index}-rows.parquet"


def manifest_prefix(execution: str) -> str:
    """Prefix in the clean bucket of what the stages of ``execution`` hand on."""
    return f"manifests/{execution}/"


def claim_key(at: datetime, digest: str) -> str:
    """Key in the clean bucket that says which execution runs a start scheduled for ``at``."""
    return f"claims/{at:%Y-%m-%dT%H%M%SZ}-{digest}.json"


def report_key(execution: str) -> str:
    """Key in the clean bucket of an execution's run report."""
    return f"reports/{execution}.json"


def ledger_key(dataset: str) -> str:
    """Key in the clean bucket of the ledger of ``dataset``; no rule of the lifecycle removes it."""
    return f"state/{dataset}.json"
