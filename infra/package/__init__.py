"""What Terraform deploys from: the functions' zips, with their pinned packages, and the tables' description.

``python -m infra.package`` (``make package``) makes them; ``docs/decisions/0006-the-sdk-is-in-the-bundle.md`` says
what is in the zips and why. The local deployment takes the sources and the tables from here too.
"""
