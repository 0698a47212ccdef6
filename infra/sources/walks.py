"""One symbol's bars a weekday: a seeded geometric random walk that passes through the levels of its company.

Draws are laid out weekday by weekday from ``EPOCH``. Only integer sums, products and roundings are used, no ``exp`` or
``log``, so that the bars are the same to the last digit on every processor.
"""

from __future__ import annotations

import hashlib
import math
from datetime import date, timedelta
from itertools import pairwise, starmap

import numpy as np
import numpy.typing as npt

from infra.sources.companies import EPOCH, Company
from infra.sources.prices import Floats

WALK, GAP, HIGH, LOW, HEAT, AUCTION, EDGE = starmap(slice, pairwise((0, 8, 12, 15, 18, 22, 23, 24)))
WORDS_A_DAY = 6
_STEP = 65536
_HEAT_DEVIATION = 1.06
"""Root of the mean square of :func:`_heat`."""
_DAYS_A_YEAR = 252
_GROWTH = 0.04
"""A year's, of all walks; levels tilt it."""

Draws = npt.NDArray[np.uint16]


def weekday_number(day: date) -> int:
    """Mondays to Fridays since EPOCH, itself a Monday."""
    weeks, rest = divmod((day - EPOCH) // timedelta(days=1), 7)
    return weeks * 5 + rest


def key_of(seed: int, symbol: str) -> int:
    """A number that only this seed and symbol have."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{symbol}".encode(), digest_size=16).digest(), "big")


def draws_of(seed: int, symbol: str, count: int) -> Draws:
    """16-bit integers, 24 rows, a column a weekday. NumPy promises the stream of a bit generator for good (NEP 19), not
    that of its distributions, which is why the normal deviates below are sums of these."""
    words = np.random.PCG64(key_of(seed, symbol)).random_raw(count * WORDS_A_DAY)
    days = words.astype("<u8", copy=False).view("<u2").reshape(count, WORDS_A_DAY * 4)
    return np.ascontiguousarray(days.T)  # sums along rows of a day would take twice the time of all the rest


def _normal(draws: Draws, part: slice) -> Floats:
    """Standard deviates by the central limit: sums of uniforms, centred and scaled by their known variance."""
    terms = part.stop - part.start
    centred = draws[part].sum(axis=0, dtype=np.int64) - terms * (_STEP - 1) / 2
    return np.asarray(centred / (_STEP * math.sqrt(terms / 12)), dtype=np.float64)


def _uniform(draws: Draws, part: slice) -> Floats:
    """Means of a few uniforms, in [0, 1)."""
    return np.asarray(draws[part].sum(axis=0, dtype=np.int64) / ((part.stop - part.start) * _STEP), dtype=np.float64)


def _heat(draws: Draws) -> Floats:
    """How lively each day is: 1 on average, seldom 3, never under a half."""
    squared = _uniform(draws, HEAT) ** 2
    return np.asarray(0.66 + 3.57 * squared * squared, dtype=np.float64)


def moves_of(draws: Draws) -> Floats:
    """Deviates of unit variance with heavier tails than the normal ones."""
    return np.asarray(_heat(draws) * _normal(draws, WALK) / _HEAT_DEVIATION, dtype=np.float64)


def bars_of(character: Company, draws: Draws, moves: Floats, outside: float) -> dict[str, Floats]:
    """Open, high, low, close and volume a weekday, prices rounded to 0.01: rounding is monotone, so low <= open, close
    <= high survives it, save at the share ``outside`` of closes.

    ``moves`` are those of :func:`moves_of`, with the market's among them; the other values are from ``draws``.
    """
    sigma = character.volatility / math.sqrt(_DAYS_A_YEAR)
    drift = _GROWTH / _DAYS_A_YEAR
    exact = _tilted(np.asarray(np.cumprod(1 + drift + sigma * moves), dtype=np.float64), character)
    before = np.concatenate((exact[:1], exact[:-1]))
    heat = _heat(draws)
    opened = before * (1 + sigma * 0.35 * _normal(draws, GAP))
    high = np.maximum(opened, exact) * (1 + sigma * heat * 0.7 * _uniform(draws, HIGH))
    low = np.minimum(opened, exact) * (1 - sigma * heat * 0.7 * _uniform(draws, LOW))
    auction = _uniform(draws, AUCTION) < outside
    edge = sigma * (0.05 + 0.2 * _uniform(draws, EDGE))
    high = np.where(auction & (opened <= exact * (1 - edge)), exact * (1 - edge), high)
    low = np.where(auction & (opened >= exact * (1 + edge)), exact * (1 + edge), low)
    prices = {"open": opened, "high": high, "low": low, "close": exact}
    bars = {name: np.maximum(np.round(values, 2), 0.01) for name, values in prices.items()}
    return {**bars, "volume": character.volume * heat}


def _tilted(walk: Floats, character: Company) -> Floats:
    """``walk`` times factors with which it passes through the levels; after the last of them they stay the
    same."""
    places = [(weekday_number(day), level) for day, level in character.levels]
    factors = [(at, level / float(walk[at])) for at, level in places]
    tilt = np.full(len(walk), factors[0][1])
    for (start, was), (end, becomes) in pairwise(factors):
        tilt[start + 1 : end] = was * np.cumprod(np.full(end - start - 1, _root(becomes / was, end - start)))
        tilt[end:] = becomes
    return np.asarray(walk * tilt, dtype=np.float64)


def _root(value: float, degree: int) -> float:
    """The factor that ``degree`` times over makes ``value``, by bisection: a library's ``pow`` may differ in the last
    digit from one processor to another, and products do not."""
    low, high = min(value, 1.0), max(value, 1.0)
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _power(middle, degree) < value else (low, middle)
    return low


def _power(base: float, exponent: int) -> float:
    """``base`` times itself, by squares."""
    result = 1.0
    while exponent:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result
