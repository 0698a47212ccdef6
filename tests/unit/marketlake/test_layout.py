from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake import layout
from marketlake.errors import ContractViolation
from tests.unit.lake import PRICES, RATES, Lake

DAY = date(2023, 1, 2)
SYMBOLS = st.lists(st.sampled_from(["BP.L", "VOD.L", "AZN.L", "BT-A.L"]), min_size=1, unique=True)


def test_one_day_has_one_key_in_each_place() -> None:
    assert layout.raw_key(PRICES, DAY) == "raw/ftse100_prices/dt=2023-01-02/prices.csv"
    assert layout.raw_key(RATES, DAY) == "raw/fx_rates/dt=2023-01-02/rates.json"
    assert layout.before_key(RATES, DAY) == "raw/fx_rates/before/dt=2023-01-02/rates.json"
    assert layout.clean_key("fx_rates", DAY) == "clean/fx_rates/dt=2023-01-02/part-0.parquet"
    assert layout.marker_key("fx_rates", DAY) == "markers/fx_rates/dt=2023-01-02.json"
    assert layout.quarantine_key(PRICES, "run-1", 3) == "quarantine/ftse100_prices/execution=run-1/batch-3.csv"
    assert layout.manifest_key("run-1", 3, "written") == "manifests/run-1/3-written.json"
    assert layout.batch_rows_key("run-1", 3) == "manifests/run-1/3-rows.parquet"
    assert layout.report_key("run-1") == "reports/run-1.json"
    assert layout.config_key("currencies.csv") == "config/currencies.csv"


@given(st.dates())
def test_the_day_of_a_key_comes_back(day: date) -> None:
    for key in (
        layout.raw_key(PRICES, day),
        layout.before_key(PRICES, day),
        layout.clean_key("fx_rates", day),
        layout.marker_key("fx_rates", day),
    ):
        assert layout.day_of_key(key) == day


@given(left=st.dates(), right=st.dates())
def test_keys_sort_as_their_days(left: date, right: date) -> None:
    # Listing from a day on, as plan and athena_check do, rests on this.
    keys = layout.marker_key("fx_rates", left), layout.marker_key("fx_rates", right)
    assert (keys[0] < keys[1]) == (left < right)


@given(left=SYMBOLS, right=SYMBOLS)
def test_a_request_for_some_symbols_has_a_key_of_its_own(left: list[str], right: list[str]) -> None:
    keys = layout.raw_key(PRICES, DAY, left), layout.raw_key(PRICES, DAY, right)
    assert (keys[0] == keys[1]) == (set(left) == set(right))
    assert layout.raw_key(PRICES, DAY) not in keys
    contexts = layout.before_key(PRICES, DAY, left), layout.before_key(PRICES, DAY, right)
    assert (contexts[0] == contexts[1]) == (set(left) == set(right))
    assert layout.before_key(PRICES, DAY) not in contexts


def test_the_keys_of_days_are_those_of_the_days_asked_for_only(lake: Lake) -> None:
    days = [date(2023, 1, day) for day in (2, 3, 4, 5, 6)]
    etags = lake.clean.put_many({layout.clean_key("fx_rates", day): f"{day}".encode() for day in days}, "x/parquet")
    extra = {"clean/fx_rates/dt=2023-01-03/part-1.parquet": b"1", "clean/fx_rates_old/dt=2023-01-03/x": b"2"}
    etags |= lake.clean.put_many(extra, "x/parquet")
    found = layout.keys_of_days(lake.clean, layout.clean_prefix("fx_rates"), [days[1], days[3]])
    wanted = [layout.clean_key("fx_rates", days[1]), next(iter(extra)), layout.clean_key("fx_rates", days[3])]
    assert found == {key: etags[key] for key in wanted}


@pytest.mark.parametrize("key", ["", "clean/fx_rates/readme", "dt=", "dt=yesterday"])
def test_a_key_without_a_day_is_refused(key: str) -> None:
    with pytest.raises(ContractViolation, match="not a day of the lake; remove it"):
        layout.day_of_key(key)
