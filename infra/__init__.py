"""Provisioning: Terraform (``*.tf``), the local AWS emulator, and the operator's command, pages and tools."""
