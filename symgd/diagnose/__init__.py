"""What only a symbolic tool can say about a loss: before a descent, and after it.

The largest stable learning rate and the best one, the number of steps, exactly for quadratics;
what a schedule does; convex or not; which parameters the data do not determine; what
standardising would do; the floor that mini-batches leave; the closed form; the part of a formula
that made a nan.

>>> import numpy as np
>>> from symgd.compile.objective import compile_objective
>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> objective = compile_objective(derive(read("(x - 3)^2 + 4*(y + 1)^2")), {})
>>> d = diagnose(objective, np.array([3.0, -1.0]), Plan(np.zeros(2), {"0.1": 0.1}))
>>> d.stable_rate, d.best_rate, d.shape.convexity, d.closed.text
(0.25, 0.2, 'convex', 'x = 3, y = -1')
>>> print(d.pace(0.1).to_error)
exactly 67
"""

from symgd.diagnose.cause import cause
from symgd.diagnose.closed import ClosedForm, closed_form
from symgd.diagnose.diagnosis import Diagnosis, Pace
from symgd.diagnose.examine import Plan, diagnose
from symgd.diagnose.freedom import Free, free_directions
from symgd.diagnose.growth import Turn, turning_point
from symgd.diagnose.noise import Noise, noise_floor
from symgd.diagnose.prediction import Count, Course
from symgd.diagnose.shape import Shape, shape_of
from symgd.diagnose.spectrum import Curvature, curvature
from symgd.diagnose.standardise import Standardised, standardised

__all__ = [
    "ClosedForm",
    "Count",
    "Course",
    "Curvature",
    "Diagnosis",
    "Free",
    "Noise",
    "Pace",
    "Plan",
    "Shape",
    "Standardised",
    "Turn",
    "cause",
    "closed_form",
    "curvature",
    "diagnose",
    "free_directions",
    "noise_floor",
    "shape_of",
    "standardised",
    "turning_point",
]
