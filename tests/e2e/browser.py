"""Debian's Chromium, and how it is started: nothing of its own goes out to the network."""

from __future__ import annotations

import shutil

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]


def chromium() -> str | None:
    """Path of the browser; None if there is no browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser")
