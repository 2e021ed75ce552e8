"""Losses of badly conditioned linear predictors, minimised in coordinates of their own."""

from __future__ import annotations

import numpy as np

from symgd.compile.objective import Objective
from symgd.compile.predictor import Predictor, predictor_of
from symgd.descend.course import Course
from symgd.descend.estimate import Kind
from symgd.descend.objective import FloatArray, Layout
from symgd.descend.trust import newton, settle
from symgd.descend.verdict import Judge, Verdict

BAD = 1e4
"""From this condition number of the predictor on the loss is solved in other coordinates."""


def needed(objective: Objective) -> Predictor | None:
    """The predictor of a loss whose columns are nearly parallel; None if all is well."""
    found = predictor_of(objective)
    return found if found is not None and found.condition > BAD else None


def descend_predictor(
    predictor: Predictor, course: Course, judge: Judge, theta: FloatArray
) -> tuple[FloatArray, Verdict] | None:
    """The minimum, found and judged as a function of phi; None if it is no proper one."""
    inner = Course(predictor, Layout.of({"phi": (theta.size,)}), course.limit, 1e9)
    inner.evaluate.deadline = course.evaluate.deadline
    phi = settle(inner, newton(inner, predictor.phi(theta)).theta)
    course.evaluate.calls += inner.evaluate.calls
    own = Judge(inner, np.zeros(theta.size), 1e-9 * max(1.0, float(np.abs(phi).max())), True)
    verdict = own.judge(phi, None)
    if verdict.kind is not Kind.MINIMUM or verdict.errors is None:
        return None
    found = predictor.theta(phi)
    errors = predictor.errors(verdict.errors, found)
    words = f"solved in orthogonal coordinates (condition {predictor.condition:.2g})"
    allowed = judge.allowed(found, errors)
    return found, judge.certified(found, errors, allowed, Kind.MINIMUM, words)
