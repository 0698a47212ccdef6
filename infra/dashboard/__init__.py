"""``marketlake dashboard``: the lake as one HTML file that asks nothing of anyone.

``window`` says which days, ``questions`` asks the saved queries, ``document`` makes of the answers what the page reads,
``page`` puts it, the scripts and the styles into one file.
"""
