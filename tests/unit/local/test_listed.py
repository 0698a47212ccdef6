from __future__ import annotations

from datetime import date
from pathlib import Path

from infra.local.lists import constituents_of_closes, datasets_without_closes
from marketlake.symbols import parse_symbols


def test_the_tickers_of_a_file_of_closes_are_listed_for_the_days_it_has_them(tmp_path: Path) -> None:
    closes = tmp_path / "closes.csv"
    closes.write_text("date,VOD,OLD.L,NEW,^FTSE\n2020-01-02,150,10,,7604.3\n2020-01-03,151,,,\n2020-01-06,152,,99,\n")
    listed = parse_symbols(constituents_of_closes(closes), "closes.csv")
    assert listed.expected(date(2020, 1, 2)) == ["OLD.L", "VOD.L"]
    assert listed.expected(date(2020, 1, 3)) == ["VOD.L"]
    assert listed.expected(date(2020, 1, 6)) == listed.expected(date(2024, 1, 5)) == ["NEW.L", "VOD.L"]


def test_a_file_without_the_index_lacks_that_dataset(tmp_path: Path) -> None:
    closes = tmp_path / "closes.csv"
    closes.write_text("date,VOD\n2020-01-02,150\n")
    assert datasets_without_closes(closes) == {"ftse100_index": ["^FTSE"]}
    closes.write_text("date,VOD,^FTSE\n2020-01-02,150,7604.3\n")
    assert datasets_without_closes(closes) == {}
