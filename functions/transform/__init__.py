"""Transform: raw days to Parquet."""
