"""What an execution costs on AWS, from its history: pure computation over a price table."""
