"""What can be wrong with a question to the lake; each message names what is there, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketlake.errors import MarketlakeError

if TYPE_CHECKING:
    import polars as pl


class LakeError(MarketlakeError):
    """Base of the errors that ``Lake`` raises itself."""


class NoLake(LakeError):
    """There is no lake at that place, or it holds nothing of the dataset."""


class Unreadable(LakeError):
    """A year's object is not Parquet of ours."""


class NoAccess(LakeError):
    """AWS does not know the caller, or refuses the call."""


class WrongArgument(LakeError):
    """An argument is not of a form that is accepted."""


class UnknownDataset(LakeError):
    """No contract and no table has that name."""


class UnknownSymbol(LakeError):
    """A ticker that the lake has no row of, and that is not expected either."""


class OutOfLake(LakeError):
    """Days of the window lie before the first or after the last day that the lake holds."""


class NoRates(LakeError):
    """A currency without rates, at all or on some of the days."""


class QueryFailed(LakeError):
    """DuckDB refuses the SQL."""


class GapsFound(LakeError):
    """Rows that are expected are not there; ``gaps`` is the frame that ``Lake.gaps`` answers."""

    def __init__(self, message: str, gaps: pl.DataFrame) -> None:
        super().__init__(message)
        self.gaps = gaps


class GapWarning(UserWarning):
    """As ``GapsFound``, of a frame that was asked for with ``on_gaps="warn"``."""

    def __init__(self, message: str, gaps: pl.DataFrame) -> None:
        super().__init__(message)
        self.gaps = gaps
