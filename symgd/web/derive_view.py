"""What the Derive tab shows: the reading, the gradient in its forms, and the steps as a tree.

>>> seen = derive({"problem": {"text": "mean((y - m*x)^2)"}, "level": "normal"})
>>> seen["gradient"][0]["text"], seen["reading"]["data"][0]["name"]
('-2/N*sum(x*(y - m*x))', 'x')
>>> [step["rule"] for step in seen["steps"]["m"]["steps"]]
['mean', 'put together']
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from symgd.errors import SymgdError, UnsupportedError
from symgd.web.problem import Asked, FieldError, gradient_of, names_of, problem_of, sides, text_of

if TYPE_CHECKING:
    from symgd.derive.steps import Derivation, Step
    from symgd.expression import Expression
    from symgd.gradient import Gradient

LEVELS = ("brief", "normal", "every")
TELLING = 0.5
"""Seconds for the steps of all partials; those that are left out can be asked for by name."""
MAX_STEPS = 400
"""So many steps are shown for one partial derivative; that more were made is said."""


def derive(content: Mapping[str, Any]) -> dict[str, Any]:
    """Reading, loss, gradient, domain and (with a ``level``) the steps of the partials.

    ``names`` says of which partials the steps are wanted; without it those are told for which
    there is time, and ``untold`` names the others.
    """
    began = perf_counter()
    level = text_of(content, "level", None)
    if level is not None and level not in LEVELS:
        raise FieldError("level", f"level is {', '.join(LEVELS)} or null, not {level!r}")
    asked = problem_of(content)
    found = gradient_of(asked)
    steps = None if level is None else _steps(found, names_of(content, "names"), level)
    untold = [] if steps is None else [name for name in found.parameters if name not in steps]
    return {
        "reading": {
            **reading(found),
            "model": model(asked) if asked.model else None,
            "matrices": [str(matrix) for matrix in asked.matrices],
        },
        "loss": forms(found.loss),
        "gradient": [partial(found, name) for name in found.parameters],
        "steps": steps,
        "untold": untold,
        "domain": domain(found),
        "milliseconds": round(1e3 * (perf_counter() - began), 2),
    }


def reading(found: Gradient) -> dict[str, Any]:
    """How every name was read; ``fixed`` are names that are neither data nor derived by."""
    problem = found.problem
    groups: dict[str, list[dict[str, Any]]] = {"data": [], "parameters": [], "fixed": []}
    for symbol in problem.symbols:
        chip = {
            "name": symbol.name,
            "latex": latex_name(symbol.name, symbol.shape),
            "shape": [str(size) for size in symbol.shape],
        }
        if symbol.role == "data":
            groups["data"].append(chip)
        else:
            groups["parameters" if symbol.name in found.parameters else "fixed"].append(chip)
    groups["data"].sort(key=lambda chip: str(chip["name"]))
    constants = [
        {"name": name, "value": value} for name, value in problem.declared.constants.items()
    ]
    return {
        "line": problem.reading, **groups, "constants": constants, "rows": problem.rows,
        "notes": list(problem.notes), "label": problem.label,
    }  # fmt: skip


def model(asked: Asked) -> dict[str, str]:
    """The model itself, as text and as a math field shows it."""
    from symgd.formula.latex import to_latex
    from symgd.formula.problem import read

    left, right = (to_latex(read(side, shapes=asked.shapes).root) for side in sides(asked.text))
    return {"text": asked.text.strip(), "latex": rf"{left} \sim {right}"}


def latex_name(name: str, shape: tuple[Any, ...]) -> str:
    """A name in LaTeX: bold for vectors and matrices."""
    from symgd.formula.latex import name_latex

    return name_latex(name, (), len(shape))


def forms(expression: Expression) -> dict[str, Any]:
    """A formula as text and LaTeX; other forms only where they differ."""
    latex = expression.latex()
    return {
        "text": expression.text(),
        "latex": latex,
        "index": _other(expression, "index", latex),
        "array": _other(expression, "array", latex),
    }


def _other(expression: Expression, form: str, usual: str) -> str | None:
    try:
        latex = expression.latex(form)
    except SymgdError:
        return None
    return latex if latex != usual else None


def partial(found: Gradient, name: str) -> dict[str, Any]:
    """One partial derivative."""
    shape = found.problem.shape(name)
    symbol = latex_name(name, shape)
    return {
        "name": name,
        "symbol": symbol,
        "left": rf"\frac{{\partial L}}{{\partial {symbol}}}",
        "shape": [str(size) for size in shape],
        **forms(found[name]),
    }


def domain(found: Gradient) -> list[dict[str, Any]]:
    """Where the derivative does not exist or a subgradient is used."""
    from symgd.check.certificate import places

    return [
        {"formula": formula, "condition": condition}
        for formula, condition in places(found.partials)
    ]


# -- steps ----------------------------------------------------------------------------------------


def _steps(found: Gradient, names: tuple[str, ...] | None, level: str) -> dict[str, Any]:
    """The steps of the partials that are named, or of as many as there is time for."""
    began = perf_counter()
    steps: dict[str, Any] = {}
    for name in found.parameters if names is None else names:
        if names is None and steps and perf_counter() - began > TELLING:
            break
        steps[name] = told(found, name, level)
    return steps


def told(found: Gradient, name: str, level: str) -> dict[str, Any]:
    """The derivation of one partial derivative as a tree of steps."""
    from symgd.formula.latex import to_latex

    try:
        derivation = found.steps(name, level)
    except UnsupportedError as problem:
        return {"answer": found[name].latex(), "steps": [], "proof": [], "refused": str(problem)}
    form = "index" if derivation.steps and derivation.steps[0].indexed else "auto"
    return {
        "answer": to_latex(derivation.answer, form=form),
        "steps": tree(derivation),
        "proof": list(derivation.proof),
        "left_out": max(0, len(derivation.steps) - MAX_STEPS),
    }


def tree(derivation: Derivation) -> list[dict[str, Any]]:
    """The steps, each with the steps that belong to it under ``children``."""
    roots: list[dict[str, Any]] = []
    made: dict[int, dict[str, Any]] = {}
    for step in derivation.steps[:MAX_STEPS]:
        shown = _step(step)
        made[step.number] = shown
        above = made.get(step.parent)
        (roots if above is None else above["children"]).append(shown)
    return roots


def _step(step: Step) -> dict[str, Any]:
    from symgd.derive.steps import show

    before, after = step.sides("latex")
    focus = show(step.formula, "latex", step.indexed)
    place = before.find(focus)
    return {
        "number": step.number, "rule": step.rule, "depth": step.depth, "parent": step.parent,
        "sentence": sentence(step), "before": before, "after": after, "focus": focus,
        "focus_at": [place, place + len(focus)] if place >= 0 else None,
        "result": show(step.result, "latex", step.indexed), "notes": list(step.notes),
        "children": [],
    }  # fmt: skip


def sentence(step: Step) -> list[dict[str, str]]:
    """The sentence of a step in pieces: words as text, formulas as LaTeX."""
    from symgd.derive.steps import show

    pieces: list[dict[str, str]] = []
    for word in step.words:
        if isinstance(word, str):
            pieces.append({"text": word})
        else:
            pieces.append({"latex": show(word, "latex", step.indexed)})
    return pieces + [{"text": f"; {note}"} for note in step.notes]
