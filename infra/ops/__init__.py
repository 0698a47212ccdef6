"""The ``marketlake`` command: what people do with the lake, on the embedded AWS or in an account."""
