"""What unit tests share: a deployment's buckets, and sample data in both raw formats."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import msgspec

from marketlake.contract import Contract, load_contract
from marketlake.history import DAYS, days_to_text, history_of
from marketlake.layout import config_key, year_key
from marketlake.messages import Batch, Input, Task
from marketlake.storage import Bucket, Stored
from marketlake.symbols import shipped_file

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

REGION: Final = "eu-west-2"

ENVIRONMENT = {
    "RAW_BUCKET": "lake-raw",
    "CLEAN_BUCKET": "lake-clean",
    "ARTIFACTS_BUCKET": "lake-artifacts",
    "OPERATOR_COMMAND": "marketlake --region eu-west-2",
    "DATABASE": "marketlake",
    "WORKGROUP": "marketlake",
    "FX_BASE": "EUR",
    "LOOK_BACK_DAYS": "7",
    "LAST_KNOWN_DAY": "",
    "YAHOO_BASE_URL": "https://yahoo.invalid",
    "ECB_BASE_URL": "https://ecb.invalid/service",
    "FRANKFURTER_BASE_URL": "https://frankfurter.invalid/v1",
    "PUBLICATION_PATIENCE_SECONDS": "2640",
}

PRICES = load_contract("ftse100_prices")
RATES = load_contract("fx_rates")

HEADER = "ticker,open,high,low,close,adj_close,volume,dividend,dividend_currency,split_ratio,currency"

SHORT_LIST = b"ticker,valid_from,valid_to\n" + b"".join(b"%c.L,2000-01-01,\n" % letter for letter in b"ABCDEFGHIJ")
"""Ten symbols, A.L to J.L: one of them is a tenth, which is both what may be bad and what may be missing of a day."""

TEN = [f"{letter}.L" for letter in "ABCDEFGHIJ"]


@dataclass(frozen=True)
class Lake:
    """Three buckets and the client behind them."""

    raw: Bucket
    clean: Bucket
    artifacts: Bucket
    client: S3Client

    @staticmethod
    def create(client: S3Client) -> Lake:
        raw, clean, artifacts = (
            Bucket(ENVIRONMENT[name], client) for name in ("RAW_BUCKET", "CLEAN_BUCKET", "ARTIFACTS_BUCKET")
        )
        for bucket in (raw, clean, artifacts):
            client.create_bucket(Bucket=bucket.name, CreateBucketConfiguration={"LocationConstraint": REGION})
        made = Lake(raw, clean, artifacts, client)
        for file in ("constituents.csv", "currencies.csv"):
            made.list_symbols(file, shipped_file(file))
        return made

    def list_symbols(self, file: str, content: bytes) -> None:
        self.artifacts.put(config_key(file), content, "text/csv")

    def everything(self) -> dict[str, bytes]:
        """Bodies of all objects in raw and clean, by key."""
        return {
            key: bucket.get(key).body for bucket in (self.raw, self.clean) for key, _ in list(bucket.keys(prefix=""))
        }


class Counting(Bucket):
    """Remembers what was read."""

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(bucket.name, bucket._client)
        self.read: list[str] = []

    def get(self, key: str) -> Stored:
        self.read.append(key)
        return super().get(key)


@dataclass(frozen=True)
class Bar:
    """One row of prices.csv, in pence unless said otherwise; good as it stands."""

    ticker: str
    close: object = 100.0
    open: object = None
    high: object = None
    low: object = None
    adj_close: object = None
    volume: object = 0
    dividend: object = 0.0
    dividend_currency: object = ""
    split_ratio: object = 0.0
    currency: str = "GBp"

    def line(self) -> str:
        cells = [getattr(self, name) for name in HEADER.split(",")]
        return ",".join("" if cell is None else str(cell) for cell in cells)


def add_to_history(clean: Bucket, dataset: str, *days: date) -> None:
    """Say of ``days`` that the tables by year hold them; the rows themselves are not there."""
    for day in days:
        held = history_of(clean, dataset, date(day.year, 1, 1), date(day.year, 12, 31)) | {day: "x"}
        clean.put(year_key(dataset, day.year), b"x", "text/plain", metadata={DAYS: days_to_text(day.year, held)})


def at(ticker: str, close: float) -> Bar:
    """A good bar with its other prices around ``close`` (pence)."""
    return Bar(ticker, close=close, open=close, high=close * 1.01, low=close * 0.99, adj_close=close * 0.9)


def prices_csv(bars: Sequence[Bar]) -> bytes:
    return "\n".join([HEADER, *(bar.line() for bar in bars), ""]).encode()


def before_csv(bars: Sequence[tuple[date, Bar]]) -> bytes:
    """The object of the bars before a batch."""
    return "\n".join([f"dt,{HEADER}", *(f"{day},{bar.line()}" for day, bar in bars), ""]).encode()


def rates_json(day: date, rates: Mapping[str, object], base: str = "EUR") -> bytes:
    return json.dumps({"amount": 1.0, "base": base, "date": f"{day}", "rates": dict(rates)}).encode()


def task_of(state: str, execution: str = "run-1", index: int = 0, retry: int = 0) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(Task(execution, state, retry, index))
    return document


def batch_of(contract: Contract, days: Sequence[str], symbols: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """A batch as Plan makes them; ``days`` are day ranges."""
    first, last = days[0].partition("/")[0], days[-1].rpartition("/")[2]
    again = Input([contract.name], date.fromisoformat(first), date.fromisoformat(last))
    batch = Batch(contract.name, list(days), 0, again, list(symbols), **more)
    document: dict[str, Any] = msgspec.to_builtins(batch)
    return document


@dataclass
class Context:
    """The part of Lambda's context object that our frame reads."""

    aws_request_id: str = "request-1"
    function_name: str = "test"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:eu-west-2:123456789012:function:test"
    extra: dict[str, Any] = field(default_factory=dict)
