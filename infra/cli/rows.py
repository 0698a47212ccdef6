"""The rows that Athena finds after a run: how many a day, and some of the last day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from infra.cli.screen import Screen, as_table, safe
from infra.client.athena import run_query
from infra.client.lake import last_due_day
from infra.client.target import Target
from marketlake.contract import Contract, load_contract

SHOWN_DAYS, SHOWN_ROWS, SHOWN_NUMBERS = 5, 5, 5
LOOK_BACK = timedelta(days=10)


def show_rows(target: Target, screen: Screen, datasets: Sequence[str], end: date | None) -> None:
    """Print, for each dataset, the rows of the last days up to ``end`` (else the last day due) and a sample."""
    for dataset in datasets:
        contract = load_contract(dataset)
        last = end or last_due_day(target, dataset)
        counts = run_query(target, counts_sql(contract, last)).table.to_pylist()
        if not counts:
            screen.say(f"Athena finds no rows in {dataset} from {last - LOOK_BACK} to {last}")
            continue
        days = ", ".join(f"{row['dt']}: {row['row_count']:,}" for row in counts)
        screen.say(f"\n[bold]{dataset}[/], rows a day as Athena finds them: {safe(days)}")
        sample = run_query(target, sample_sql(contract, date.fromisoformat(counts[0]["dt"]))).table
        screen.remarks.print(as_table(sample.to_pylist(), sample.column_names))


def counts_sql(contract: Contract, last: date) -> str:
    """Rows a day of the last days up to ``last``."""
    return (
        f"SELECT dt, count(*) AS row_count FROM {contract.name} "  # noqa: S608 - our own names and dates
        f"WHERE dt BETWEEN '{last - LOOK_BACK}' AND '{last}' GROUP BY dt ORDER BY dt DESC LIMIT {SHOWN_DAYS}"
    )


def sample_sql(contract: Contract, day: date) -> str:
    """Some rows of ``day``: the key and the first numbers."""
    numbers = [column.name for column in contract.columns if column.type == "double"][:SHOWN_NUMBERS]
    columns = ", ".join(["dt", *contract.key, *numbers])
    order = ", ".join(contract.key)
    where = f"WHERE dt = '{day}' ORDER BY {order} LIMIT {SHOWN_ROWS}"
    return f"SELECT {columns} FROM {contract.name} {where}"  # noqa: S608 - our own names and a date
