"""The lake for those who read it in Python: Polars frames from the tables by year, without Athena.

``lake`` has what a reader calls, ``places`` where the objects lie, ``tables`` what SQL sees, ``adjusted`` and
``conversion`` what is derived, ``gaps`` what is not there. Not in the functions' bundles (``infra/package/build.py``).
"""
