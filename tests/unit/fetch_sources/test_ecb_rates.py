from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetch.sources.ecb import parse_csv
from fetch.sources.rates import RatesOfDays, differences
from infra.sources.ecb import HEADER

DAYS = st.dates(date(1999, 1, 4), date(2030, 1, 1))
CODES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)
DIGITS = st.one_of(st.integers(1, 10**9).map(str), st.decimals("0.000001", "99999", places=6).map(str))
RATES = st.dictionaries(DAYS, st.dictionaries(CODES, DIGITS, min_size=1, max_size=4), max_size=5)
DAY = date(2026, 9, 3)


def line(code: str = "USD", day: str = "2026-09-03", rate: str = "1.1615", **other: str) -> dict[str, str]:
    series = {"FREQ": "D", "CURRENCY": code, "CURRENCY_DENOM": "EUR", "EXR_TYPE": "SP00", "EXR_SUFFIX": "A"}
    title = "ECB reference exchange rate, US dollar/Euro, 2.15 pm (C.E.T.)"
    values = {"TIME_PERIOD": day, "OBS_VALUE": rate, "OBS_STATUS": "A", "TITLE_COMPL": title}
    return {"KEY": f"EXR.D.{code}.EUR.SP00.A", **series, **values, **other}


def table(*lines: dict[str, str], header: Sequence[str] = HEADER, end: str = "\r\n") -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, restval="", extrasaction="ignore", lineterminator=end)
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def lines_of(rates: RatesOfDays) -> list[dict[str, str]]:
    return [line(code, f"{day}", rate) for day, quoted in rates.items() for code, rate in quoted.items()]


@settings(deadline=None)
@given(RATES, st.permutations(list(HEADER)), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_was_received_comes_back_to_the_digit(rates: RatesOfDays, header: list[str], end: str, bom: bool) -> None:
    assert parse_csv("\ufeff" * bom + table(*lines_of(rates), header=header, end=end)) == rates


def outcome(text: str) -> tuple[RatesOfDays, str]:
    try:
        return parse_csv(text), ""
    except ValueError as error:
        return {}, str(error)


@settings(deadline=None)
@given(RATES.filter(bool), st.data())
def test_a_cut_answer_is_refused_or_lacks_whole_lines(rates: RatesOfDays, data: st.DataObject) -> None:
    lines = lines_of(rates)
    text = table(*lines)
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    found, refused = outcome(cut)
    assert refused.startswith(("empty", "truncated", "not a table")) or not refused
    # No value is ever half of one.
    assert all(rate == rates[day][code] for day, quoted in found.items() for code, rate in quoted.items())


@settings(deadline=None)
@given(st.text())
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(empty|a page|not a table|truncated|unusable)"):
        parse_csv(text)


@pytest.mark.parametrize(
    "rate",
    ["0", "-1.5", "NaN", "", "Infinity", "1e999", "1,5", "null", "1_0", " 1.1", "\u0661.\u0661", "1" * 400, "--1"],
)
def test_what_is_no_positive_number_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="unusable: 2026-09-03 has the rate"):
        parse_csv(table(line(rate=rate)))


def test_an_exponent_is_written_out_so_that_all_digits_are_kept() -> None:
    assert parse_csv(table(line(rate="1.15E-5")))[DAY] == {"USD": "0.0000115"}


@pytest.mark.parametrize("status", ["H", "M", "L", "Q"])
@pytest.mark.parametrize("rate", ["", "NaN", "1.1"])
def test_an_observation_that_is_not_there_is_no_rate(status: str, rate: str) -> None:
    assert parse_csv(table(line(rate=rate, OBS_STATUS=status), line("GBP", rate="0.86"))) == {DAY: {"GBP": "0.86"}}


@pytest.mark.parametrize("status", ["A", "P", "E", "B"])
def test_provisional_and_estimated_rates_are_rates(status: str) -> None:
    assert parse_csv(table(line(OBS_STATUS=status))) == {DAY: {"USD": "1.1615"}}


def test_indicative_rates_are_no_reference_rates() -> None:
    title = "Indicative exchange rate, Argentine peso/Euro, 2:15 pm (C.E.T.)"
    assert parse_csv(table(line("ARS", TITLE_COMPL=title), line())) == {DAY: {"USD": "1.1615"}}


def test_a_header_alone_is_no_rates() -> None:
    assert parse_csv(table()) == {}


@pytest.mark.parametrize("missing", ["CURRENCY", "CURRENCY_DENOM", "TIME_PERIOD", "OBS_VALUE", "FREQ", "EXR_TYPE"])
def test_a_missing_column_is_named(missing: str) -> None:
    with pytest.raises(ValueError, match=f"not a table of rates, {missing} is not a column"):
        parse_csv(table(line(), header=[name for name in HEADER if name != missing]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (table(line(CURRENCY_DENOM="USD")), "about another series: {'CURRENCY_DENOM': 'USD'}"),
        (table(line(FREQ="M", day="2026-09")), "about another series: {'FREQ': 'M'}"),
        (table(line(), line()), "USD of 2026-09-03 twice"),
        (table(line(day="2026-02-30")), "'2026-02-30' is not a date"),
        (table(line(day="2026-09")), "'2026-09' is not a date"),
        (table(line("us$")), "a currency 'us\\$'"),
        (table(line(), header=[*HEADER, "OBS_VALUE"]), "OBS_VALUE is not a column"),
        ("<!doctype html><html></html>", "a page or XML"),
        ('<?xml version="1.0"?><mes:Error/>', "a page or XML"),
        (table(line()) + "EXR.D.USD.EUR.SP00.A,D\r\n", "line 3 has 2 of 32 cells"),
        (table(line()).removesuffix("\r\n") + ',"half', "truncated or not CSV"),
    ],
)
def test_what_the_api_does_not_promise_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_csv(text)


@given(RATES)
def test_rates_differ_where_their_values_do_and_not_their_digits(rates: RatesOfDays) -> None:
    padded = {d: {c: f"{r}0" if "." in r else f"{r}.0" for c, r in quoted.items()} for d, quoted in rates.items()}
    assert differences(rates, padded) == []
    moved = {day: {code: f"1{rate}" for code, rate in quoted.items()} for day, quoted in rates.items()}
    assert len(differences(rates, moved)) == sum(map(len, rates.values()))
    assert differences(rates, {}) == []
