"""What the chart API needs to know of a price source, simulated or read from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from infra.sources.timeline import Timeline

Floats = npt.NDArray[np.float64]
Kind = Literal["simulated", "file"]


@dataclass(frozen=True)
class Split:
    """``numerator`` new shares for ``denominator`` old ones."""

    numerator: int
    denominator: int


@dataclass(frozen=True)
class Series:
    """All bars of one symbol, in the unit of ``currency`` and adjusted for splits, as Yahoo's are.

    ``adj_close`` is adjusted for dividends too. Arrays are as long as ``timeline``; the keys of ``dividends`` and
    ``splits`` are positions in it.
    """

    symbol: str
    name: str
    currency: str
    instrument: str
    timeline: Timeline
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    adj_close: Floats
    volume: npt.NDArray[np.int64]
    dividends: Mapping[int, float] = field(default_factory=dict)
    splits: Mapping[int, Split] = field(default_factory=dict)


class PriceBook(Protocol):
    """A source of series."""

    @property
    def kind(self) -> Kind:
        """``simulated`` or ``file``."""

    @property
    def first_day(self) -> date:
        """First day for which any symbol has a bar."""

    @property
    def last_day(self) -> date:
        """Last day for which any symbol has a bar."""

    def series(self, symbol: str) -> Series | None:
        """All bars of ``symbol``; None when it is unknown."""

    def describe(self) -> dict[str, Any]:
        """For ``/health``: where the prices come from."""
