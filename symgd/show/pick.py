"""Which picture a result gets: the doors behind ``.plot()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symgd.descend import Solution
from symgd.errors import SymgdError, UnsupportedError
from symgd.fit import Fit
from symgd.formula.latex import name_latex
from symgd.formula.text import to_text
from symgd.gradient import Gradient
from symgd.show.backprop import graph
from symgd.show.canvas import extent, fitted_text, new_figure, noted, titled
from symgd.show.courses import history
from symgd.show.curves import curve
from symgd.show.fits import fit
from symgd.show.planes import contour
from symgd.show.scene import objective_of, titled_formula
from symgd.show.theme import theme_of
from symgd.show.words import display, formula, safe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = 9


def plot_solution(
    solution: Solution, what: Any = None, *, data: Any = None, theme: str = "light"
) -> Figure:
    """The run on the curve or the contours of its loss if it is known, else its course.

    ``what`` (with ``data``) is the formula, gradient, objective or function that was minimised,
    for a solution that does not know it.
    """
    if isinstance(solution, Fit) and what is None:
        return plot_fit(solution, theme=theme)
    loss = known_loss(solution, what)
    if loss is not None and solution.layout.size <= 2:
        picture = curve if solution.layout.size == 1 else contour
        return picture(loss, solution, data=data, theme=theme)
    return history(solution, theme=theme)


def known_loss(solution: Solution, what: Any = None) -> Any:
    """What was minimised: as given, or as the solution knows it; None if neither."""
    if what is not None:
        return what
    return solution if isinstance(solution, Fit) else objective_of(solution)


def plot_fit(fitted: Fit, *, theme: str = "light") -> Figure:
    """Data, model and residuals; the course of the run if the model cannot be drawn."""
    try:
        return fit(fitted, theme=theme)
    except SymgdError:
        return history(fitted, theme=theme)


def plot_gradient(gradient: Gradient, *, theme: str = "light") -> Figure:
    """The backpropagation graph if it is small, else the partial derivatives as formulas."""
    try:
        return graph(gradient, theme=theme)
    except UnsupportedError:
        return formulas(gradient, theme=theme)


def formulas(gradient: Gradient, *, theme: str = "light") -> Figure:
    """The partial derivatives, one below the other.

    >>> import symgd
    >>> figure = formulas(symgd.gradient("mean((y - (m*x + b))^2)"))
    >>> len([text for text in figure.texts if text.get_gid() == "partial"])
    2
    """
    look, names = theme_of(theme), list(gradient.parameters)
    shown = names[:LINES]
    figure = new_figure(8, 1.5 + 0.72 * len(shown), look)
    titled(figure, look, titled_formula(gradient.partials), gradient.reading)
    inch = 1.0 / figure.get_figheight()
    top = 1.0 - max(1.0, 0.35 + sum(extent(figure, t)[1] for t in figure.texts) / figure.dpi) * inch
    for name in shown:
        node = gradient[name].node
        right = formula(node)
        if right.startswith("$"):
            left = rf"\dfrac{{\partial L}}{{\partial {name_latex(name)}}} = "
            line = f"${left}{display(right[1:-1])}$"
        else:
            line = safe(f"dL/d{name} = {to_text(node)}")
        text = fitted_text(figure, 0.05, top, line, look.ink, 15.0)
        text.set_gid("partial")
        top -= max(0.6, extent(figure, text)[1] / figure.dpi + 0.16) * inch
    if len(names) > len(shown):
        noted(figure, look, [f"the first {len(shown)} of {len(names):,} partial derivatives"])
    return figure
