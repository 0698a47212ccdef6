"""Upstream sources: each turns a request for some days into raw objects, one a day. Importing this is cheap."""
