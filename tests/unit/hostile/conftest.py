from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Hundreds of traces that are meant to be would hide the one that is not, and take longer than the examples."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
