"""How hard these tests try."""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "80"))
"""Examples a property, in the suite; ``make hostile`` asks for a thousand and more."""
