"""The rules on a symbol's level: errors of unit, moves that no market makes, and splits without their adjustment.

A series changes its level where it moves beyond the contract's bound. A move of about the unit's ratio (100: pence for
pounds) is a change of unit, and which of the units is right is decided by what the lake holds: of the days that this
answer has as well, else of the day before its first. Where the lake holds nothing of the symbol, the unit of most of
its rows is right, and of as many the older. Any other change of level is real if the next day agrees with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, log

import polars as pl

from marketlake.contract import Contract, MoveRule
from validate.neighbours import beside

SPLIT_WORTH_A_LOOK = 1.5
"""Smaller splits, up or down, cannot be distinguished from a market's move."""

SHORT_LEVEL = 5
"""Most rows of a level between two that agree with each other that count as an error: no share is worth another price
beyond the bound for so few days."""


@dataclass(frozen=True)
class Value:
    """One value of a symbol: number of its row, the value, its split (1: none), and what the lake holds of its day."""

    row: int
    value: float
    split: float
    held: float | None


def level_reasons(
    contract: Contract, frame: pl.DataFrame, bad: pl.Series, lake: pl.DataFrame
) -> tuple[pl.Series, pl.Series]:
    """For each row the reason why its level is wrong, null where it is not, and whether its split is not adjusted.

    ``frame`` has ``dt`` and the contract's columns, by key and day, rows before the batch included; ``bad`` says which
    rows another rule refused already: they are neither judged nor compared with. ``lake`` has ``dt``, the key and the
    value of the days that the lake holds (``anchors.held_rows``).
    """
    rule = contract.rules.move
    reasons: list[str | None] = [None] * frame.height
    splits = [False] * frame.height
    split = pl.lit(1.0) if rule.split_column is None else pl.col(rule.split_column)
    rows = frame.with_row_index("row").filter(~bad)
    rows = rows.select("row", "dt", *contract.key, value=pl.col(rule.column), split=split)
    rows = rows.join(
        lake.select("dt", *contract.key, held=rule.column), on=["dt", *contract.key], how="left", maintain_order="left"
    ).join(_older(contract, frame, lake), on=contract.key, how="left", maintain_order="left")
    suspects = rows.join(_suspects(contract, rows), on=contract.key, how="semi", maintain_order="left")
    for group in suspects.partition_by(contract.key, maintain_order=True):
        values = [Value(*row) for row in group.select("row", "value", "split", "held").iter_rows()]
        for row, reason in _wrong(rule, values, group["older"][0]):
            reasons[row] = reason
        for before, value in pairwise(values):
            splits[value.row] = unadjusted(rule, before.value, value.value, value.split)
    return pl.Series("reason", reasons, pl.String()), pl.Series("split", splits, pl.Boolean())


def _older(contract: Contract, frame: pl.DataFrame, lake: pl.DataFrame) -> pl.DataFrame:
    """The lake's last value of each key before the first day of ``frame``, as ``older``."""
    earlier = lake.filter(pl.col("dt") < pl.lit(frame["dt"].min(), pl.Date())).sort("dt")
    return earlier.group_by(contract.key).agg(older=pl.col(contract.rules.move.column).last())


def _suspects(contract: Contract, rows: pl.DataFrame) -> pl.DataFrame:
    """Keys with a split, or any move beyond the contract's bound between neighbours or from what the lake holds."""
    bound = contract.rules.move.max_ratio
    others = (beside(contract, "value"), pl.col("held"), pl.col("older"))
    ratios = [pl.col("value") / other for other in others]
    beyond = pl.any_horizontal((~ratio.is_between(1 / bound, bound)).fill_null(False) for ratio in ratios)
    return rows.filter(beyond | (pl.col("split") != 1)).select(contract.key).unique()


def _wrong(rule: MoveRule, values: Sequence[Value], older: float | None) -> Iterator[tuple[int, str]]:
    """Row and reason of each value that is wrong; ``older`` is the lake's last value before the first of them."""
    units = _units(rule, values)
    right = right_unit(rule, values, units, older)
    kept = [value for value, unit in zip(values, units, strict=True) if unit == right]
    usual = kept[0].value if kept else older
    for value, unit in zip(values, units, strict=True):
        if unit == right:
            usual = value.value
        else:
            beside = value.held or usual or value.value
            yield value.row, f"{rule.column} is {value.value:g} where {beside:g} is usual: a unit error"
    yield from _moves(rule, levels(rule, kept))


def _units(rule: MoveRule, values: Sequence[Value]) -> list[int]:
    """In how many units' ratios each value is above the first: 0, 1 or -1, mostly.

    A value that neither agrees with the one before it nor is in another unit is in that unit of which the last value
    agrees with it, if there is one.
    """
    units, lasts = [0], {0: values[0].value}
    for before, value in pairwise(values):
        ratio, unit = value.value / before.value, units[-1]
        if not unadjusted(rule, before.value, value.value, value.split):
            step = unit_step(rule, ratio, 1 + rule.unit_tolerance)
            near = [known for known, last in lasts.items() if _agree(rule, last, value.value)]
            unit = unit + step if step else (unit if unit in near else next(iter(near), unit))
        units.append(unit)
        lasts[unit] = value.value
    return units


def unit_step(rule: MoveRule, ratio: float, spread: float) -> int:
    """1 or -1 where ``ratio`` is the unit's, up or down, to within ``spread`` (itself a ratio); else 0."""
    size = abs(log(ratio))
    return 0 if abs(size - log(rule.unit_ratio)) > log(spread) else (1 if ratio > 1 else -1)


def right_unit(rule: MoveRule, values: Sequence[Value], units: Sequence[int], older: float | None) -> int:
    """Which of ``units`` is right, by what the lake holds, else by most of the values."""
    after = _later_splits(values)
    votes: Counter[int] = Counter()
    for value, unit, splits in zip(values, units, after, strict=True):
        if value.held is not None:
            step = _step_from_lake(rule, value.value / value.held, splits, 1 + rule.unit_tolerance)
            votes.update([] if step is None else [unit - step])
    if not votes and older is not None:
        # Months may lie between them, so that both bounds are those of a move.
        products = after[0]
        splits = [*products, values[0].split * (products[-1] if products else 1.0)]
        step = _step_from_lake(rule, values[0].value / older, splits, rule.max_ratio)
        votes.update([] if step is None else [-step])
    return (votes or Counter(units)).most_common(1)[0][0]


def _later_splits(values: Sequence[Value]) -> list[list[float]]:
    """For each value the products of the last, the last two ... of the splits after it; those of 1 left out."""
    found: list[list[float]] = [[]]
    for value in reversed(values[1:]):
        products = found[-1]
        further = [] if value.split == 1 else [value.split * (products[-1] if products else 1.0)]
        found.append([*products, *further])
    return found[::-1]


def _step_from_lake(rule: MoveRule, ratio: float, splits: Sequence[float], spread: float) -> int | None:
    """In how many units' ratios a value differs from what the lake holds, None where no unit explains the ``ratio``.

    ``splits`` are products of those that may have restated the answer since the lake was written, or not any more: for
    a while answers come on either basis.
    """
    if abs(log(ratio)) <= log(rule.max_ratio):
        return 0
    explained = [abs(abs(log(ratio)) - abs(log(split))) for split in splits if split > 0]
    if min(explained, default=inf) <= log(1 + rule.split_tolerance):
        return 0
    steps = (unit_step(rule, ratio * split, spread) for split in (1.0, *splits) if split > 0)
    return next((step for step in steps if step), None)


def levels(rule: MoveRule, values: Sequence[Value]) -> list[list[Value]]:
    """``values`` cut where they move beyond the bound, save for a split that is not adjusted."""
    found: list[list[Value]] = []
    for value in values:
        last = found[-1][-1] if found else None
        if last and (_agree(rule, last.value, value.value) or unadjusted(rule, last.value, value.value, value.split)):
            found[-1].append(value)
        else:
            found.append([value])
    return found


def _moves(rule: MoveRule, found: list[list[Value]]) -> Iterator[tuple[int, str]]:
    """Row and reason of the values whose level nothing confirms: one value alone, or a few between two that agree."""
    accepted: list[Value] = []
    for number, level in enumerate(found):
        later = found[number + 1] if number + 1 < len(found) else []
        if accepted and _agree(rule, accepted[-1].value, level[0].value):  # what was between them was wrong
            wrong = False
        elif accepted and later:
            back = _agree(rule, accepted[-1].value, later[0].value)
            wrong = len(level) == 1 or (len(level) <= SHORT_LEVEL and back)
        elif accepted:
            wrong = len(level) == 1
        else:
            wrong = len(level) == 1 and len(later) > 1 and not _is_held(rule, level[0])
        if not wrong:
            accepted = level
            continue
        beside = (accepted or later)[-1 if accepted else 0]
        for value in level:
            yield value.row, _move(rule, beside.value, value.value)


def _agree(rule: MoveRule, one: float, other: float) -> bool:
    return max(one / other, other / one) <= rule.max_ratio


def _is_held(rule: MoveRule, value: Value) -> bool:
    return value.held is not None and _agree(rule, value.value, value.held)


def _move(rule: MoveRule, before: float, now: float) -> str:
    ratio = max(now / before, before / now)
    return f"{rule.column} moved {ratio:.1f}-fold between {before:g} and {now:g}, beyond {rule.max_ratio:g}-fold"


def unadjusted(rule: MoveRule, before: float, now: float, split: float) -> bool:
    """Whether the move on the day of a split (new shares for each old one) is of its size, up or down: the prices on
    one side of it are not adjusted, or are adjusted twice."""
    size = max(split, 1 / split) if split > 0 else 1.0
    # No market makes a move of the size of a large split, so that there it need not be that of the split exactly.
    spread = 1 + (rule.unit_tolerance if size > rule.max_ratio else rule.split_tolerance)
    ratio = max(now / before, before / now)
    return size >= SPLIT_WORTH_A_LOOK and size / spread <= ratio <= size * spread
