"""For all tests: property tests are the same on every run, and do not fail because a machine is busy."""

from __future__ import annotations

from functools import cache

import typer.main
from botocore.loaders import JSONFileLoader
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")

# The command line is made anew at each call, of which a process of a user's has one.
typer.main.get_command = cache(typer.main.get_command)

# Each of the tests' many sessions would read AWS's service models anew, a fifth of the unit tests' time.
_read_once = cache(JSONFileLoader().load_file)
JSONFileLoader.load_file = lambda _, file_path: _read_once(file_path)  # type: ignore[assignment, method-assign]
