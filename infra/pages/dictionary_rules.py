"""A contract's rules in words: those of one column, and those of a day or of the way from one day to the next."""

from __future__ import annotations

from marketlake.contract import Adjustment, Column, Contract, MoveRule, RepeatRule


def column_rules(contract: Contract, column: Column) -> str:
    """What a value of ``column`` must be for its row to be taken in, beside being there where it may not be null."""
    rules, said = contract.rules, []
    if column.name in rules.positive:
        said.append("above 0")
    if column.name in rules.non_negative:
        said.append("0 or more")
    said += [f"at most `{high}`" for low, high in rules.ordered if low == column.name]
    said += [f"at least `{low}`" for low, high in rules.ordered if high == column.name]
    for portion in rules.portions:
        if column.name == portion.column:
            said.append(f"{portion.min:g} to {portion.max:g} times `{portion.of}`, where not 0")
    if column.name == rules.move.column:
        said.append(f"at most {rules.move.max_ratio:g}-fold from one day to the next, up or down")
    if contract.units and column.name == contract.units.currency_column:
        said.append(f"one of {', '.join(f'`{unit}`' for unit in contract.units.per_pound)}")
    return ", ".join(said)


def day_rules(contract: Contract) -> list[str]:
    """Sentences about whole days, unit errors and rewritten histories."""
    rules, move = contract.rules, contract.rules.move
    bad = (
        f"more than {rules.max_bad_share:.0%} of its rows are bad" if rules.max_bad_share else "any of its rows is bad"
    )
    return [
        f"A day is rejected where {bad}, or where under {rules.coverage:.0%} of its expected symbols have a good row.",
        f"A move of `{move.column}` near {move.unit_ratio:g}-fold ({move.unit_tolerance:.0%}) is named a unit error.",
        *_split(move),
        _repeated(rules.repeat),
        *(_adjusted(adjustment) for adjustment in contract.adjustments),
    ]


def _split(move: MoveRule) -> list[str]:
    if move.split_column is None:
        return []
    return [
        f"On the day of a split a move of `{move.column}` within {move.split_tolerance:.0%} of the ratio in "
        f"`{move.split_column}` is refused: one side of it is not adjusted, or is twice."
    ]


def _repeated(rule: RepeatRule) -> str:
    names = ", ".join(f"`{name}`" for name in rule.columns)
    alone = f" Such a row alone is refused where `{rule.traded}` is the same, too, and not 0." if rule.traded else ""
    return (
        f"Rows with {names} as the day before are refused where over {rule.max_share:.0%} of a day's rows are such, "
        f"at least {rule.min_rows} of them.{alone}"
    )


def _adjusted(adjustment: Adjustment) -> str:
    names = ", ".join(f"`{name}`" for name in adjustment.columns)
    told = "and mailed" if adjustment.mails else "and reported"
    return (
        f"A {adjustment.event} (in `{adjustment.event_column}`) makes the source restate {names} of all earlier days; "
        f"that is noticed {told} with the command that loads them again."
    )
