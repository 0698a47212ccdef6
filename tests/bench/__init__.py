"""Benchmarks: ``make bench``. Not tests: nothing here asserts, since machines differ; figures are in docs/benchmarks.md."""
