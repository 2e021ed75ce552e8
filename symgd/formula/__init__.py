"""What the user wrote: text or LaTeX to a typed graph, and back.

``tokens`` and ``parser`` read, ``reading`` decides what every name is,
``elaborate`` builds the graph of :class:`~symgd.formula.graph.Node`, ``problem``
holds the result; ``text`` and ``latex`` print.
"""
