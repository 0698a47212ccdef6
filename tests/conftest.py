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

# Each of the tests' many sessions would read AWS's service models anew, a fifth of the unit tests' time. S3's is read
# anew: a client takes the bucket out of its paths.
_read = JSONFileLoader().load_file
_read_once = cache(_read)
JSONFileLoader.load_file = (  # type: ignore[method-assign]
    lambda _, file_path: _read(file_path) if "/s3/" in file_path else _read_once(file_path)  # type: ignore[assignment]
)
