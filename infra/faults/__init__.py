"""Faults on purpose, in the embedded AWS and the replayed sources: seeded, counted, and never in an account."""
