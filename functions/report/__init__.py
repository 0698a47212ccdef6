"""Report: what an execution did, for people and for S3."""
