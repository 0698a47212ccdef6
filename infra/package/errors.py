"""What can go wrong while packaging; every message says what to do."""

from __future__ import annotations


class PackageError(Exception):
    """The packages cannot be built."""


class RegistryUnreachable(PackageError):
    """The package registry does not answer, or cannot be reached from here."""


class LockOutOfDate(PackageError):
    """A bundle's lock is missing, or is not of what ``functions.json`` lists."""


class BundleTooLarge(PackageError):
    """A function's files are more than Lambda takes."""
