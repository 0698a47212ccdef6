"""The ``marketlake`` command: a file for each subcommand, and what they print."""
