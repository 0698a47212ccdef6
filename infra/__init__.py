"""Provisioning: Terraform (``*.tf``), the embedded AWS (``local``) and the operator's command (``ops``)."""
