"""The size of each function's package, and Lambda's limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from infra.package.errors import BundleTooLarge

LIMIT_BYTES = 250 * 1024 * 1024
"""Most that a function's files may come to, unzipped, layers included (262,144,000 bytes).
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

MB = 1024 * 1024  # as AWS counts in its limits
SHOWN = 5


@dataclass(frozen=True)
class Size:
    """Bytes of a function's package; ``parts``: bytes of each package and folder at its root."""

    function: str
    bundle: str
    zipped: int
    unzipped: int
    parts: dict[str, int] = field(default_factory=dict)


def size_of(function: str, bundle: str, zipped: int, files: dict[str, int]) -> Size:
    """The size of a package with ``files`` (name to bytes)."""
    parts: Counter[str] = Counter()
    for name, size in files.items():
        parts[name.partition("/")[0]] += size
    return Size(function, bundle, zipped, sum(files.values()), dict(parts))


def table(sizes: Sequence[Size]) -> str:
    """One line a function."""
    lines = [f"{'function':<14}{'bundle':<10}{'zipped':>10}{'unzipped':>11}{'of limit':>10}"]
    for size in sizes:
        counts = f"{size.zipped / MB:>7.1f} MB{size.unzipped / MB:>8.1f} MB{size.unzipped / LIMIT_BYTES:>10.0%}"
        lines.append(f"{size.function:<14}{size.bundle:<10}{counts}")
    return "\n".join(lines)


def check(sizes: Sequence[Size]) -> None:
    """Refuse packages that Lambda would refuse.

    Raises:
        BundleTooLarge: one is over ``LIMIT_BYTES``; the message names the largest parts and what can be done.
    """
    over = [size for size in sizes if size.unzipped > LIMIT_BYTES]
    if over:
        told = "; ".join(_told(size) for size in over)
        raise BundleTooLarge(
            f"{told}. Lambda takes {LIMIT_BYTES:,} bytes. Leave out more of these in infra/package/prune.py, take a "
            "package out of the bundle in functions/functions.json, or move its work to a function of its own"
        )


def _told(size: Size) -> str:
    largest = Counter(size.parts).most_common(SHOWN)
    parts = ", ".join(f"{name} {count / MB:.0f} MB" for name, count in largest)
    return f"{size.function} (bundle {size.bundle}) is {size.unzipped:,} bytes unzipped: {parts}"
