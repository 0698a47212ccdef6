"""Fault injection in the emulator and the simulated sources: seeded, counted, and never in an account."""
