"""The commands, one file each (or two that belong together); ``infra.ops.cli`` puts them together."""
