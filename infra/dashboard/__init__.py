"""``marketlake dashboard``: the lake as one HTML file that needs no other file and no network.

``questions`` says which days and asks the saved queries. ``document`` makes of the answers what the page reads.
``page`` puts it, the scripts and the styles into one file.
"""
