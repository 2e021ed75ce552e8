"""The one door to SymPy: local derivatives, formulas to SymPy and back, the algebraic witness.

The rest of the house sees nodes; only this room and the NumPy compiler import SymPy.
"""
