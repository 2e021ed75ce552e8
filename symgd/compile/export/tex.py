"""The loss and its partial derivatives as a LaTeX block."""

from __future__ import annotations

from symgd.derive.partials import Partials
from symgd.formula.latex import name_latex, to_latex


def latex_source(partials: Partials) -> str:
    """An ``aligned`` block: the loss, then one line for each partial derivative."""
    lines = [f"L &= {to_latex(partials.written)}"]
    for name in partials.wrt:
        rank = len(partials.problem.shape(name))
        left = rf"\\frac{{\\partial L}}{{\\partial {name_latex(name, (), rank)}}}".replace(
            "\\\\", "\\"
        )
        lines.append(f"{left} &= {to_latex(partials.textbook(name))}")
    body = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n"
