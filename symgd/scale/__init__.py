"""Rows by the block: files larger than memory, and many machines.

``source`` gives rows in blocks, ``spec`` is a loss as text, ``totals`` and ``rows`` say what a
block adds to it, ``engine`` (this machine) and ``cluster`` (Dask) go over all blocks, and
``objective`` is the loss that the methods of :mod:`symgd.minimize` descend. See docs/scale.md.
"""
