"""Plan: what is to be done."""
