"""Pictures: what a loss looks like, how a run came down, what a fit says.

Each function draws one kind of picture and gives a matplotlib figure of its own: no window
opens, no global state is touched, matplotlib is imported when the first picture is drawn.

* :func:`curve`, :func:`contour`, :func:`surface`, :func:`slices`: the loss, with a run on it
* :func:`history`, :func:`rates`, :func:`compare`: runs
* :func:`fit`: data, model, bands, residuals
* :func:`graph`: values and derivatives through a formula
* :func:`learning`, :func:`walk`: what moves; :class:`Live`: a window that follows a run
* :func:`interactive`: a surface to turn in the browser
* :func:`save`, :func:`write`: into a file, by its suffix; :func:`spark`, :func:`chart`: as text

>>> import symgd
>>> found = symgd.minimize("(x - 3.5)^2 - 4.5x + 10", start={"x": 0}, rate=0.1)
>>> figure = curve("(x - 3.5)^2 - 4.5x + 10", found)
"""

from symgd.show.backprop import graph
from symgd.show.courses import history
from symgd.show.curves import curve
from symgd.show.family import slices
from symgd.show.files import save, write
from symgd.show.fits import fit
from symgd.show.learning import learning, walk
from symgd.show.live import Live
from symgd.show.movie import Movie
from symgd.show.page import Page, interactive
from symgd.show.pick import formulas, plot_fit, plot_gradient, plot_solution
from symgd.show.planes import compare, contour, surface
from symgd.show.rate_picture import rates
from symgd.show.scene import Scene, scene
from symgd.show.sparks import chart, spark

__all__ = [
    "Live",
    "Movie",
    "Page",
    "Scene",
    "chart",
    "compare",
    "contour",
    "curve",
    "fit",
    "formulas",
    "graph",
    "history",
    "interactive",
    "learning",
    "plot_fit",
    "plot_gradient",
    "plot_solution",
    "rates",
    "save",
    "scene",
    "slices",
    "spark",
    "surface",
    "walk",
    "write",
]
