"""What only a deployed stack can show, tried step by step: ``marketlake acceptance``."""
