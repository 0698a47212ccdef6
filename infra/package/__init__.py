"""The functions' zips as they are deployed: our sources, and the pinned packages of each function's bundle.

``python -m infra.package`` (``make package``) builds them; ``docs/decisions/0006-the-sdk-is-in-the-bundle.md`` says
what is in them and why.
"""
