"""The tables and the analysts' lists; ``python -m tests.unit.local.test_lookups`` writes the closing days again."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from holidays import country_holidays, financial_holidays

from infra.local.lists import CLOSING_DAYS, lookup_csv
from infra.package.tables import TABLES, glue_input, quarantine_input, table_inputs, write_tables
from marketlake.calendars import CALENDARS, closing_days
from marketlake.contract import dataset_names, load_contract
from marketlake.layout import quarantine_key
from marketlake.schemas import polars_schema

YEARS = range(1999, 2041)


def closing_days_csv() -> str:
    """The closing days that are weekdays, as the pipeline's calendars have them."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["calendar", "closed", "holiday"])
    named = {
        "london": country_holidays("GB", subdiv="ENG", years=YEARS),
        "target": financial_holidays("XECB", years=YEARS),
    }
    for calendar in CALENDARS:
        days = sorted(day for year in YEARS for day in closing_days(calendar, year) if day.weekday() < 5)
        lines.writerows([calendar, day, named[calendar][day]] for day in days)
    return text.getvalue()


def test_the_closing_days_are_those_of_the_pipeline_s_calendars() -> None:
    again = "write them again: python -m tests.unit.local.test_lookups"
    assert CLOSING_DAYS.read_text("utf-8") == closing_days_csv(), again
    assert {load_contract(name).calendar for name in dataset_names()} <= set(CALENDARS)


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("ticker,valid_from,valid_to\nA.L,2020-01-01,\n", ['"A.L","","","","2020-01-01",""']),
        (
            'ticker,valid_from,valid_to,sector,note,company\nA.L,2020-01-01,2021-01-01,"Oil, Gas",x,"The ""A""\nplc"\n',
            ['"A.L","The ""A"" plc","Oil, Gas","","2020-01-01","2021-01-01"'],
        ),
        ("\ufeffticker,company,sector,valid_from,valid_to\n B.L ,B,,2020-01-01\n", ['"B.L","B","","","2020-01-01",""']),
    ],
)
def test_a_list_of_the_user_s_own_has_the_table_s_columns(content: str, rows: list[str]) -> None:
    header = '"ticker","company","sector","currency","valid_from","valid_to"'
    assert lookup_csv("constituents", content.encode()).decode().splitlines() == [header, *rows]


@pytest.mark.parametrize("name", dataset_names())
def test_a_quarantine_table_has_the_columns_of_what_validate_writes(name: str) -> None:
    contract = load_contract(name)
    table = quarantine_input(contract, "raw")
    # Validate writes the judged rows as they are: dt, the columns of the clean table, the reason.
    names = [column["Name"] for column in table["StorageDescriptor"]["Columns"]]
    assert names == ["dt", *polars_schema(contract).names(), "reason"]
    assert f"s3://raw/{quarantine_key(contract, 'run', 0)}".startswith(table["StorageDescriptor"]["Location"])


def test_what_terraform_reads_is_what_the_local_deployment_makes(tmp_path: Path) -> None:
    names = {f"{kind}_bucket": f"lake-{kind}" for kind in ("raw", "clean", "artifacts")} | {"database": "lake"}
    write_tables(tmp_path)
    text = (tmp_path / TABLES).read_text("utf-8")
    # As Terraform's templatefile: ${name} is a value, $${ a ${ of Glue's own.
    rendered = re.sub(r"(?<!\$)\$\{(\w+)\}", lambda found: names[found[1]], text).replace("$${", "${")
    assert [glue_input(document) for document in json.loads(rendered)] == table_inputs(names)
    assert "%{" not in text  # a directive of templates


if __name__ == "__main__":
    CLOSING_DAYS.write_text(closing_days_csv(), "utf-8")
