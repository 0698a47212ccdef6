"""``docs/queries.md``, made from the saved queries and from answers to their examples."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from infra.client.saved_queries import ACCEPTED, SavedQuery, saved_queries
from infra.facts import ROOT
from infra.pages.markdown import markdown_table

PAGE = ROOT / "docs" / "queries.md"
SHOWN_ROWS = 3

HEAD = """# Saved queries

Questions that are asked already: on the command line, in Athena's editor under *Saved queries*, and as prepared
statements (`EXECUTE movers USING '2022-12-01', '2022-12-30'`). Each lies in [assets/queries](../assets/queries) and
opens only what its parameters name: a few days, or where its window may be long, the years of it, from the tables by
year ([the same rows](decisions/0008-the-same-rows-by-year.md)). This page is made from those files; tests hold it
against them.

**The prices in the rows below are simulated** (seed 7); the rates are the ECB's. The lake is
`make backfill START=2021-12-20 END=2022-12-31`, with one price of AZN.L made a hundred times too high on its way in, so
that the checks have something to show. Numbers are cut to six digits here.

"""

TAIL = """## Good to know

- Changes, returns, volatilities and drawdowns are shares: 0.05 is 5 %. Prices are in pounds.
- A window without data, a ticker that is unknown, or a `start` after `end` gives no rows; `correlation` gives one row
  with `returns` 0. `marketlake partitions` names the days that there are.
- A ticker that left the index ends where it ends: its `dt` or `last_day` says so, and `symbol_gaps` lists it.
- Averages and volatilities go over the days that are there: 20 days with a gap among them are still 20 rows.
- `close` and `adj_close` are adjusted for splits (`adj_close` for dividends too) as known when they were fetched.
  `total_return` uses `close` and `dividend`, `volatility_and_drawdown` and `correlation` use `adj_close`.
- Sectors come from the constituents in force (table `constituents`), one a ticker: its latest. Ours are named as in ICB
  and GICS, from general knowledge. A list without sectors, or a ticker that is on no list, is `unknown`.
- `missing_days` goes by the table `closing_days`, the pipeline's own calendars as known today, to 2040. A bank holiday
  that is announced later is told as missing until the list is made again.
- `quarantined_rows` reads every execution's CSV of put-aside rows (tables `quarantine_<dataset>`, no partitions), as
  long as it is in the raw bucket. The bad rows of rejected days are among them; rows that never came are not.
- `missing_days`, `symbol_gaps`, `quarantined_rows` and `rows_by_month` name each dataset in their text, since SQL has
  no list of tables to go through; a test says when a new one is not among them.
"""


def page(examples: Mapping[str, str]) -> str:
    """The page; ``examples`` are Markdown of the first rows that each query answered, by its name."""
    queries = saved_queries()
    listed = "".join(f"| [{query.name}](#{query.name}) | {query.description} |\n" for query in queries)
    sections = "".join(_section(query, examples[query.name]) for query in queries)
    return f"{HEAD}| query | what it answers |\n|---|---|\n{listed}\n{sections}{TAIL}"


def _section(query: SavedQuery, example: str) -> str:
    named = "".join(f"- `{parameter.name}`: {ACCEPTED[parameter.kind]}\n" for parameter in query.parameters)
    return f"## {query.name}\n\n{query.description}.\n\n{named}\n```\n{query.command}\n```\n\n{example}\n"


def example_of(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The first of ``rows`` as a Markdown table, and how many there are."""
    table = markdown_table(columns, [[_cell(value) for value in row] for row in rows[:SHOWN_ROWS]])
    return f"{table}\n\n{len(rows)} row{'' if len(rows) == 1 else 's'}\n"


def examples_in(text: str) -> dict[str, str]:
    """The examples in a page, by query."""
    found = re.findall(r"^## (\w+)$.*?^```\n.*?^```\n\n(.*?\d+ rows?\n)", text, re.MULTILINE | re.DOTALL)
    return dict(found)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("|", "\\|")
