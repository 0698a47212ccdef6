"""Benchmarks: ``make bench``. Not tests: machines differ, so nothing asserts; docs/benchmarks.md has figures."""
