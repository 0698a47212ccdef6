"""The tables of ``docs/data-dictionary.md``, made from the contracts and the lookups."""

from __future__ import annotations

from collections.abc import Iterable

from infra.package.tables import ACTIONS, View, actions_input, lookups, views
from infra.pages.markdown import markdown_table
from marketlake.contract import Adjustment, Column, Contract, RangeRule, dataset_names, load_contract
from marketlake.layout import ACTIONS_PREFIX, clean_prefix, year_prefix, year_table
from marketlake.schemas import ACTION_COLUMNS
from marketlake.symbols import symbols_of


def table_list() -> str:
    """All tables and what each holds."""
    contracts = [load_contract(name) for name in dataset_names()]
    rows = [[f"[`{c.name}`](#{c.name}), `{year_table(c.name)}`", c.description] for c in contracts]
    rows += [[f"[`{view.name}`](#{view.name})", view.description] for view in views()]
    rows += [[f"[`{ACTIONS}`](#{ACTIONS})", actions_input("")["Description"]]]
    rows += [[f"`quarantine_{c.name}`", f"Rows of `{c.name}` in [quarantine](#quarantines)"] for c in contracts]
    rows += [[f"[`{name}`](#{name})", table["description"]] for name, table in lookups().items()]
    return markdown_table(["table", "what it holds"], rows)


def dataset_sections() -> str:
    """A section for each dataset: its facts, its columns, and the rules about whole days."""
    return "\n".join(_dataset(load_contract(name)) for name in dataset_names())


def derived_sections() -> str:
    """A section for each view and for the corporate actions."""
    return "\n".join([*map(_view, views()), _actions()])


def _view(view: View) -> str:
    columns = markdown_table(
        ["column", "type", "what it is"], [[f"`{c['Name']}`", c["Type"], c["Comment"]] for c in view.columns]
    )
    return f"## {view.name}\n\n{view.description}\n\n{columns}\n"


def _actions() -> str:
    columns = markdown_table(
        ["column", "type", "null", "what it is"],
        [[f"`{c.name}`", c.type, "yes" if c.nullable else "no", c.description] for c in ACTION_COLUMNS],
    )
    place = f"`{ACTIONS_PREFIX}<dataset>/part-0.parquet`, one object for all years"
    return f"## {ACTIONS}\n\n{actions_input('')['Description']} {place}.\n\n{columns}\n"


def lookup_sections() -> str:
    """A section for each lookup: its description and its columns."""
    return "\n".join(_lookup(name) for name in lookups())


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
    return f"## {contract.name}\n\n{contract.description}\n\n{_facts(contract)}\n\n{columns}\n\n{rules}"


def _facts(contract: Contract) -> str:
    published = f"{contract.published.time:%H:%M} in {contract.published.zone}"
    facts = {
        "source": f"`{contract.source}`, see [terms](#sources-and-their-terms)",
        "due": f"from {published}, on days on which the calendar `{contract.calendar}` is open",
        "first day": f"{contract.first_date}",
        "key": _names(("dt", *contract.key)),
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
        return _names(contract.symbols.list)
    listed = (
        f"{len(symbols_of(contract).names)} in `{contract.symbols.file}`, each with the days on which it is expected"
    )
    return f"{listed}; the source is asked for all it has" if contract.symbols.ask == "all" else listed


def _unit(contract: Contract) -> str:
    if contract.units is None:
        return "as the source gives it"
    each = ", ".join(f"`{name}` by {unit.per_unit:g}" for name, unit in contract.units.quoted.items())
    divided, unit = _names(contract.units.columns), contract.units.quoted_column
    return f"amounts of `{contract.units.currency_column}`: {divided} are divided by the unit in `{unit}` ({each})"


def column_rules(contract: Contract, column: Column) -> str:
    """What a value of ``column`` must be for its row to be accepted, besides the rule about null."""
    rules, listed = contract.rules, []
    if column.name in rules.positive:
        listed.append("above 0")
    if column.name in rules.non_negative:
        listed.append("0 or more")
    if rules.range and column.name in (rules.range.open, rules.range.high, rules.range.low):
        listed.append(f"{_range(rules.range, column.name)}, within {rules.range.max_ratio:g}-fold of it, else null")
    if rules.dividend and column.name == rules.dividend.column:
        share = f"{rules.dividend.min:g} to {rules.dividend.max:g} times `{rules.dividend.of}`"
        listed.append(f"{share} in its currency, where not 0, and as adjusted closes imply, else null")
    if column.name == rules.move.column:
        bound = f"at most {rules.move.max_ratio:g}-fold from one day to the next, up or down"
        listed.append(f"{bound}, until the next days agree with it")
    if contract.units and column.name == contract.units.quoted_column:
        listed.append(f"one of {_names(contract.units.quoted)}")
    return ", ".join(listed)


def _range(rule: RangeRule, name: str) -> str:
    """What the range rule asks of the column ``name`` beside the close."""
    sides = {rule.high: f"at least `{rule.close}`", rule.low: f"at most `{rule.close}`"}
    return sides.get(name, f"from `{rule.low}` to `{rule.high}`")


def day_rules(contract: Contract) -> list[str]:
    """Sentences about whole days, unit errors, repeated rows and restatements."""
    rules, move, repeat = contract.rules, contract.rules.move, contract.rules.repeat
    share = rules.max_bad_share
    bad = f"more than {share:.0%} of its rows are bad" if share else "any of its rows is bad"
    sentences = [
        f"A day is rejected where {bad}, or where under {rules.coverage:.0%} of its expected symbols have a good row.",
        f"A `{move.column}` about {move.unit_ratio:g}-fold what the lake, or most of the answer, has is a unit error.",
        f"A `{move.column}` {rules.spike.min_ratio:g}-fold those of the two days beside it, if they agree, is flagged.",
    ]
    if move.split_column:
        sentences.append(
            f"On the day of a split a move of `{move.column}` within {move.split_tolerance:.0%} of the ratio in "
            f"`{move.split_column}` is flagged: the prices on one side of it are not adjusted, or are adjusted twice."
        )
    alone = f" One such row is refused where `{repeat.traded}` is the same, too, and not 0." if repeat.traded else ""
    sentences.append(
        f"Rows with {_names(repeat.columns)} as on the day before are refused where over {repeat.max_share:.0%} of a "
        f"day's rows are such, at least {repeat.min_rows} of them.{alone}"
    )
    return sentences + [_restated(adjustment) for adjustment in contract.adjustments]


def _restated(adjustment: Adjustment) -> str:
    return (
        f"A {adjustment.event} (in `{adjustment.event_column}`) makes the source restate {_names(adjustment.columns)} "
        f"of all earlier days. The restatement is found and {'mailed' if adjustment.mails else 'reported'}, with the "
        "command that loads these days again."
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _lookup(name: str) -> str:
    table = lookups()[name]
    columns = markdown_table(["column", "what it is"], [[f"`{c['name']}`", c["description"]] for c in table["columns"]])
    return f"## {name}\n\n{table['description']}\n\n{columns}\n"
