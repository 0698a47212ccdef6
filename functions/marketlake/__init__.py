"""What the functions of the pipeline share: contracts, lake layout, errors, calendars, settings, telemetry.

``from marketlake import Lake`` is for readers of the lake (``docs/python.md``). What it needs is imported when it is
asked for: the functions are deployed without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marketlake.reader.errors import GapsFound, GapWarning, LakeError
    from marketlake.reader.lake import Lake

__all__ = ["GapWarning", "GapsFound", "Lake", "LakeError"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'marketlake' has no attribute {name!r}")
        from marketlake.reader import errors, lake

        return getattr(lake if name == "Lake" else errors, name)
