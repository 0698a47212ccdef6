"""Fetch: from the source to raw objects."""
