from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake import contract as contracts
from marketlake.calendars import is_trading_day
from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.errors import ContractViolation
from tests.unit.lake import PRICES, RATES

INDEX = load_contract("ftse100_index")
ALL = [INDEX, PRICES, RATES]
SHIPPED = json.loads((contracts.CONTRACTS / "ftse100_prices.json").read_text("utf-8"))
REQUIRED = sorted(set(SHIPPED) - {"units", "adjustments", "one_pass"})


def load_text(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Contract:
    """The contract that the loader makes of ``text``, past its cache."""
    (folder / "broken.json").write_text(text)
    monkeypatch.setattr(contracts, "CONTRACTS", folder)
    return load_contract.__wrapped__("broken")


def test_there_is_a_contract_for_each_dataset_of_the_lake() -> None:
    assert dataset_names() == ["ftse100_index", "ftse100_prices", "fx_rates"]
    assert [load_contract(name).name for name in dataset_names()] == dataset_names()


def test_the_columns_are_those_the_lake_promises() -> None:
    assert [(c.name, c.type) for c in PRICES.columns] == [
        ("ticker", "string"),
        *((name, "double") for name in ("open", "high", "low", "close")),
        ("volume", "bigint"),
        ("currency", "string"),
        ("dividend", "double"),
        ("dividend_currency", "string"),
        ("split_ratio", "double"),
        ("quoted_currency", "string"),
        ("flags", "string"),
    ]
    assert [(c.name, c.type) for c in INDEX.columns] == [
        ("ticker", "string"),
        *((name, "double") for name in ("open", "high", "low", "close")),
        ("volume", "bigint"),
        ("flags", "string"),
    ]
    assert [(c.name, c.type) for c in RATES.columns] == [
        ("base_currency", "string"),
        ("target_currency", "string"),
        ("rate", "double"),
        ("flags", "string"),
    ]
    assert (PRICES.symbol_column, RATES.symbol_column) == ("ticker", "target_currency")


@pytest.mark.parametrize("contract", ALL, ids=lambda c: c.name)
def test_a_contract_speaks_of_its_own_columns_only(contract: Contract) -> None:
    columns = {column.name: column for column in contract.columns}
    rules = contract.rules
    compared = {*rules.repeat.columns, rules.move.column}
    if rules.range:
        compared |= {rules.range.open, rules.range.high, rules.range.low, rules.range.close}
        assert all(columns[name].nullable for name in (rules.range.open, rules.range.high, rules.range.low))
    if rules.dividend:
        compared |= {rules.dividend.column, rules.dividend.of}
        assert columns[rules.dividend.column].nullable, "in doubt it becomes null"
    compared |= {name for name in (rules.repeat.traded, rules.move.split_column) if name}
    ruled = {*rules.positive, *rules.non_negative}
    assert ruled | compared | set(contract.key) <= set(columns)
    assert all(columns[name].type in ("double", "bigint") for name in ruled)
    assert not any(columns[name].nullable for name in contract.key), "a key has no nulls"
    assert "dt" not in columns, "dt is the partition, in the path only"
    assert all(column.description for column in contract.columns)
    if contract.units:
        assert {*contract.units.columns, contract.units.currency_column} <= set(columns)
    for adjustment in contract.adjustments:
        of_event = {*adjustment.columns, adjustment.event_column}
        assert of_event <= {name for name, column in columns.items() if column.type in ("double", "bigint")}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '"x"', "{}"])
def test_a_file_that_is_no_contract_is_a_violation(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ContractViolation, match=r"contracts/broken\.json"):
        load_text(text, tmp_path, monkeypatch)


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_contract_without_a_field_is_a_violation(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {key: value for key, value in SHIPPED.items() if key != missing}
    with pytest.raises(ContractViolation, match=missing):
        load_text(json.dumps(document), tmp_path, monkeypatch)


def _bad_date(document: dict[str, Any]) -> None:
    document["first_date"] = "2000-13-01"


def _bad_time(document: dict[str, Any]) -> None:
    document["published"]["time"] = "half past six"


def _unknown_rule(document: dict[str, Any]) -> None:
    document["rules"]["move"]["max_ration"] = 3


def _dividend_without_bound(document: dict[str, Any]) -> None:
    del document["rules"]["dividend"]["max"]


def _unknown_in_repeat(document: dict[str, Any]) -> None:
    document["rules"]["repeat"]["share"] = 0.5


def _odd_range(document: dict[str, Any]) -> None:
    document["rules"]["range"] = ["low", "open", "high"]


def _symbols_as_list(document: dict[str, Any]) -> None:
    document["symbols"] = ["BP.L"]


def _unknown_adjustment(document: dict[str, Any]) -> None:
    document["adjustments"][0]["factor"] = 2


def _column_as_text(document: dict[str, Any]) -> None:
    document["columns"][0] = "ticker"


@pytest.mark.parametrize(
    "damage",
    [
        _bad_date,
        _bad_time,
        _unknown_rule,
        _dividend_without_bound,
        _unknown_in_repeat,
        _odd_range,
        _symbols_as_list,
        _unknown_adjustment,
        _column_as_text,
    ],
)
def test_a_damaged_contract_is_a_violation(
    damage: Callable[[dict[str, Any]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = copy.deepcopy(SHIPPED)
    damage(document)
    with pytest.raises(ContractViolation):
        load_text(json.dumps(document), tmp_path, monkeypatch)


def test_a_dataset_without_a_contract_is_reported_with_those_there_are() -> None:
    with pytest.raises(ContractViolation, match=r"'gold'.*ftse100_prices, fx_rates"):
        load_contract("gold")


@pytest.mark.parametrize(
    ("contract", "at", "last"),
    [
        (PRICES, "2023-01-05T18:29:59+00:00", "2023-01-04"),
        (PRICES, "2023-01-05T18:30:00+00:00", "2023-01-05"),
        (PRICES, "2023-07-05T17:29:59+00:00", "2023-07-04"),  # summer time: half past six is 17:30 UTC
        (PRICES, "2023-07-05T17:30:00+00:00", "2023-07-05"),
        (PRICES, "2022-09-19T23:00:00+00:00", "2022-09-16"),  # the funeral of Elizabeth II
        (RATES, "2022-09-19T23:00:00+00:00", "2022-09-19"),
        (RATES, "2023-01-05T15:14:59+00:00", "2023-01-04"),
        (RATES, "2023-01-05T15:15:00+00:00", "2023-01-05"),
        (RATES, "2023-04-10T20:00:00+00:00", "2023-04-06"),  # Easter Monday
        (RATES, "2023-01-06T23:30:00+00:00", "2023-01-06"),  # Saturday in Brussels already
    ],
)
def test_the_last_day_that_is_due(contract: Contract, at: str, last: str) -> None:
    assert contract.last_due_day(datetime.fromisoformat(at)) == date.fromisoformat(last)


@given(contract=st.sampled_from(ALL), at=st.datetimes(datetime(2000, 2, 1), datetime(2026, 12, 1)))
def test_no_later_day_is_due(contract: Contract, at: datetime) -> None:
    moment = at.replace(tzinfo=UTC)
    last = contract.last_due_day(moment)
    assert is_trading_day(contract.calendar, last)
    assert contract.published_at(last) <= moment
    later = [day for day in contract.days(last, last + timedelta(days=15)) if day > last]
    assert contract.published_at(later[0]) > moment


def test_days_start_with_the_first_of_the_dataset() -> None:
    assert PRICES.days(date(1990, 1, 1), date(2000, 1, 5)) == [date(2000, 1, 4), date(2000, 1, 5)]
    assert PRICES.days(date(2000, 1, 5), date(2000, 1, 4)) == []
