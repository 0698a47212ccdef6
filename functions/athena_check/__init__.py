"""AthenaCheck: what the lake holds against what was written."""
