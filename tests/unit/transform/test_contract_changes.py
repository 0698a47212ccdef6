"""A contract gets a column, loses one, or puts them into another order: the next daily run, the look-back and a forced
load go on, and what is stored comes along."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
import polars as pl
import pytest

from marketlake.batch_rows import write_batch_rows
from marketlake.contract import Contract
from marketlake.layout import batch_rows_key, clean_key, year_key
from marketlake.schemas import polars_schema
from tests.unit.frames import handed_on
from tests.unit.lake import PRICES, Bar, Context, Lake, at, batch_of, prices_csv, task_of
from transform import handler as transform_handler
from validate.raw import RawDay

DAYS = [date(2023, 1, 3), date(2023, 1, 4), date(2023, 1, 5)]
BARS = [at("A.L", 100), at("B.L", 200)]


def contract_with(names: Sequence[str], version: int) -> Contract:
    """The contract of prices with these of its columns, in this order."""
    columns = {column.name: column for column in PRICES.columns}
    rules = msgspec.structs.replace(PRICES.rules, non_negative=(), positive=("close",), range=None, dividend=None)
    return msgspec.structs.replace(
        PRICES, version=version, columns=tuple(columns[name] for name in names), rules=rules, adjustments=()
    )


ALL = [column.name for column in PRICES.columns]
FEWER = [name for name in ALL if name not in ("volume", "flags")]


def load(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, contract: Contract, bars: dict[date, Sequence[Bar]], **batch: Any
) -> None:
    """Validate's rows of ``bars`` under ``contract``, and Transform."""
    execution = f"run-{len(lake.everything())}"
    days = [RawDay(day, prices_csv(of_day)) for day, of_day in bars.items()]
    key = batch_rows_key(execution, 0)
    write_batch_rows(lake.clean, key, handed_on(contract, days))
    validated = {"accepted": len(bars), "unchanged": 0, "rejected": 0, "rejected_rows": 0, "manifest": key}
    event = {
        "task": task_of("Transform", execution),
        "batch": batch_of(contract, [f"{day}" for day in bars], **batch),
        "validated": validated,
    }
    with monkeypatch.context() as deployed:
        deployed.setattr(transform_handler, "load_contract", lambda _: contract)
        transform_handler.handler(event, Context())  # type: ignore[arg-type]


def year(lake: Lake) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(lake.clean.get(year_key(PRICES.name, 2023)).body))


def day(lake: Lake, dt: date) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(lake.clean.get(clean_key(PRICES.name, dt)).body))


@pytest.mark.parametrize("expired", [False, True])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(FEWER, ALL, id="columns are added"),
        pytest.param(ALL, FEWER, id="columns are removed"),
        pytest.param(ALL, [ALL[0], *reversed(ALL[1:])], id="columns are re-ordered"),
    ],
)
def test_what_was_stored_comes_along(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, old: list[str], new: list[str], expired: bool
) -> None:
    before, after = contract_with(old, 1), contract_with(new, 2)
    load(lake, monkeypatch, before, dict.fromkeys(DAYS[:2], BARS))
    if expired:
        for dt in DAYS[:2]:
            lake.client.delete_object(Bucket=lake.clean.name, Key=clean_key(PRICES.name, dt))
    load(lake, monkeypatch, after, {DAYS[2]: BARS})  # the next daily run
    load(lake, monkeypatch, after, {DAYS[1]: BARS[:1]}, recheck=True)  # its look-back, of which a row did not come
    load(lake, monkeypatch, after, {DAYS[0]: [at("A.L", 110)]})  # and a forced load
    found = year(lake)
    assert found.drop("dt").schema == polars_schema(after)
    assert found.select("dt", "ticker", "close").sort("dt", "ticker").rows() == [
        (f"{DAYS[0]}", "A.L", 1.1),
        (f"{DAYS[0]}", "B.L", 2.0),
        (f"{DAYS[1]}", "A.L", 1.0),
        (f"{DAYS[1]}", "B.L", 2.0),
        (f"{DAYS[2]}", "A.L", 1.0),
        (f"{DAYS[2]}", "B.L", 2.0),
    ]
    for dt in DAYS:
        assert day(lake, dt).schema == polars_schema(after)
        assert day(lake, dt).equals(found.filter(pl.col("dt") == f"{dt}").drop("dt"))
