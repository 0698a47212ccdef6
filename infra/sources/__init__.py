"""Simulated sources: a loopback HTTP server that speaks Yahoo's chart API and Frankfurter's v1 API.

Run it with ``python -m infra.sources --port 8130``; from Python use ``SourcesServer`` of ``server.py``.
Rates are the ECB's real history, prices are simulated or come from a CSV file of closes: ``GET /health`` says which.
"""
