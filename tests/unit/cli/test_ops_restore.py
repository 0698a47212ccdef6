from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from infra.client.target import Target
from infra.client.year_versions import put_back, versions_of
from marketlake.history import DAYS, days_to_text, history_of, loaded_days
from marketlake.layout import marker_key, year_key
from tests.unit.cli.conftest import Command

KEY = year_key("fx_rates", 2025)
FIRST, SECOND, THIRD = (date(2025, 12, day) for day in (22, 23, 24))
WINDOW = date(2025, 1, 1), date(2025, 12, 31)

Write = Callable[..., str]


@pytest.fixture
def write(target: Target) -> Write:
    """Writes a version of the year that holds days, each with the mark of its rows; returns the version."""
    bucket = target.names["clean_bucket"]
    target.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(body: bytes, *days: date, mark: str = "rows") -> str:
        for day in days:
            target.s3.put_object(Bucket=bucket, Key=marker_key("fx_rates", day), Body=b"x")
        metadata = {DAYS: days_to_text(2025, dict.fromkeys(days, mark)), "other": "kept"}
        answer = target.s3.put_object(Bucket=bucket, Key=KEY, Body=body, Metadata=metadata, ContentType="a/parquet")
        return answer["VersionId"]

    return put


def delete(target: Target) -> None:
    target.s3.delete_object(Bucket=target.names["clean_bucket"], Key=KEY)


def test_versions_are_listed_newest_first_with_the_checked_days_that_each_lacks(command: Command, write: Write) -> None:
    old, new = write(b"1", FIRST), write(b"22", FIRST, SECOND, THIRD)
    records = command("restore", "fx_rates", "2025", "--json").document

    assert [(r["version"], r["bytes"], r["days"], r["lacking"], r["which"], r["note"]) for r in records] == [
        (new, 2, 3, 0, "", "current"),
        (old, 1, 1, 2, "2025-12-23 to 2025-12-24", ""),
    ]
    assert "marketlake restore fx_rates 2025 --version" in command("restore", "fx_rates", "2025").out


def test_a_deleted_year_comes_back_as_it_was(command: Command, target: Target, write: Write) -> None:
    old = write(b"1", FIRST, SECOND)
    delete(target)
    assert loaded_days(target.bucket("clean"), "fx_rates", *WINDOW) == set()
    records = command("restore", "fx_rates", "2025", "--json").document
    assert [record["note"] for record in records] == ["deleted", ""]

    printed = command("restore", "fx_rates", "2025", "--version", old)
    assert (printed.status, "backfill" in printed.out) == (0, False)
    assert loaded_days(target.bucket("clean"), "fx_rates", *WINDOW) == {FIRST, SECOND}
    stored = target.s3.get_object(Bucket=target.names["clean_bucket"], Key=KEY)
    assert (stored["Body"].read(), stored["ContentType"], stored["Metadata"]["other"]) == (b"1", "a/parquet", "kept")


def test_a_damaged_year_is_replaced_and_what_is_lacking_is_to_be_loaded(
    command: Command, target: Target, write: Write
) -> None:
    write(b"1", FIRST)
    old = write(b"2", FIRST, SECOND)
    write(b"3", FIRST, SECOND, THIRD)
    target.s3.put_object(Bucket=target.names["clean_bucket"], Key=KEY, Body=b"damaged")

    printed = command("restore", "fx_rates", "2025", "--version", old)
    assert printed.status == 0
    assert "marketlake backfill --start 2025-12-24 --end 2025-12-24 --dataset fx_rates" in printed.out
    assert target.bucket("clean").get(KEY).body == b"2"


def test_a_version_that_would_lose_days_or_their_rows_needs_yes(command: Command, target: Target, write: Write) -> None:
    old = write(b"1", FIRST, mark="old")
    write(b"2", FIRST, SECOND, mark="new")

    printed = command("restore", "fx_rates", "2025", "--version", old)
    assert (printed.status, target.bucket("clean").get(KEY).body) == (2, b"2")
    assert "lacks 2025-12-23, and has other rows of 2025-12-22; nothing was restored" in printed.err
    printed = command("restore", "fx_rates", "2025", "--version", old, "--yes")
    assert (printed.status, target.bucket("clean").get(KEY).body) == (0, b"1")
    assert "marketlake backfill --start 2025-12-23 --end 2025-12-23 --dataset fx_rates" in printed.out
    assert "marketlake backfill --force --start 2025-12-22 --end 2025-12-22 --dataset fx_rates" in printed.out


def test_what_an_execution_writes_meanwhile_is_not_replaced(target: Target, write: Write) -> None:
    old = write(b"1", FIRST)
    write(b"2", FIRST)
    found = versions_of(target, "fx_rates", 2025)
    write(b"3", FIRST, SECOND)
    with pytest.raises(Exception, match="wrote fx_rates 2025 meanwhile; nothing was restored"):
        put_back(target, found, found.find(old))
    assert set(history_of(target.bucket("clean"), "fx_rates", *WINDOW)) == {FIRST, SECOND}


def test_a_version_that_cannot_be_put_back_is_refused(command: Command, target: Target, write: Write) -> None:
    bucket = target.names["clean_bucket"]
    untold = target.s3.put_object(Bucket=bucket, Key=KEY, Body=b"0")["VersionId"]
    current = write(b"1", FIRST)
    for version, why in (("none", "no version 'none'"), (current, "in place already"), (untold, "does not say which")):
        printed = command("restore", "fx_rates", "2025", "--version", version)
        assert (printed.status, why in printed.err) == (2, True), printed.err
    assert command("restore", "nonsense", "2025").status == 2
    assert "no version is there" in command("restore", "fx_rates", "2024").out
