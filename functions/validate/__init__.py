"""Validate: raw rows against the contract."""
