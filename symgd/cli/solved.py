"""What a run came to: printed, drawn, written; and the exit status that goes with it."""

from __future__ import annotations

import math
from typing import Any

from symgd.cli.options import assignments, precision_of, shapes_of
from symgd.cli.runs import written
from symgd.cli.terminal import output, say, write

LONG = 600


def finish(found: Any, given: dict[str, Any], saved: Any = 0.0) -> int:
    """Print the result; the exit status is 0 only if it is what was asked for.

    ``saved`` is the precision of a run that was gone on with. A live window stays until it is
    closed.
    """
    if given["plot"]:
        from symgd.show import write as write_picture

        write_picture(found, given["plot"], given.get("formula"), data=given.get("table"))
    if given["as_json"]:
        from symgd.cli.main import print_json

        content = found.to_dict()
        if given["log"]:
            content["history"] = _history(found)
        print_json(content)
    else:
        _tell(found, given)
    written(found, given)
    if "window" in given:
        given["window"].wait()
    return _status(found, given, saved)


def _tell(found: Any, given: dict[str, Any]) -> None:
    """The result as text, or as tables on a terminal."""
    from symgd.fit import Fit

    if given["log"]:
        _print_log(found)
    say(str(found), "fit" if isinstance(found, Fit) else "solution", found)
    if given["starts"] and len(found.minima) > 1:
        say(_minima(found), "lines", _minima(found))
    if given["spark"]:
        from symgd.show import chart

        width = max(10, min(60, output().width - 14))
        write(chart(found.history.loss, width=width))
    if "formula" in given and not given["table"]:
        _print_exact(given["formula"], given)


def _status(found: Any, given: dict[str, Any], saved: Any) -> int:
    """0 if converged, or if all steps were asked for and made; 130 after Ctrl-C; else 1."""
    if found.outcome.name == "INTERRUPTED":
        return 130
    asked = precision_of(given["precision"])
    if given["resume"] and given["precision"] == "auto":
        asked = saved
    asked_all = asked is None and found.outcome.name == "MAX_STEPS"
    return 0 if found.converged or asked_all else 1


def _minima(found: Any) -> str:
    """The distinct minima of several starts, the lowest first."""
    lines = ["minima"]
    for low in found.minima:
        values = ", ".join(f"{name} = {_short(value)}" for name, value in low.params.items())
        times = f"{low.starts} start{'s' if low.starts != 1 else ''}"
        ended = low.outcome.name.lower().replace("_", " ")
        lines.append(f"  loss {low.loss:<14.8g}  {values}  ({ended}, {times})")
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.8g}"
    numbers = value.ravel().tolist()
    shown = ", ".join(f"{number:.6g}" for number in numbers[:6])
    return f"[{shown}{', ...' if len(numbers) > 6 else ''}]"


def _print_exact(formula: str, given: dict[str, Any]) -> None:
    """The closed form beside the descent, when there is one."""
    from symgd.derive.partials import derive
    from symgd.diagnose import closed_form
    from symgd.formula.problem import read

    constants = assignments(given["constant"], "constants") or None
    shapes = shapes_of(given["shape"])
    partials = derive(read(formula, wrt=given["wrt"], shapes=shapes, constants=constants))
    exact = closed_form(partials)
    if exact:
        said = f"Exactly, the derivative is zero at {_cut(str(exact))}"
        say(said, "lines", said)


def _cut(text: str) -> str:
    """A list in words, cut where a screen is full."""
    if len(text) <= LONG:
        return text
    return text[: text.rindex(", ", 0, LONG)] + ", ..."


def _history(found: Any) -> dict[str, Any]:
    history = found.history
    return {
        "step": history.step.tolist(),
        "loss": [_finite(x) for x in history.loss.tolist()],
        "theta": [[_finite(x) for x in row] for row in history.theta.tolist()],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _print_log(found: Any) -> None:
    history, names = found.history, found.layout.names
    terminal = output()
    write("  ".join(["step".rjust(8), *(n.rjust(16) for n in names), "loss".rjust(16)]), terminal)
    for step, theta, loss in zip(history.step, history.theta, history.loss, strict=True):
        cells = [f"{step:8d}", *(f"{v:16.9g}" for v in theta), f"{loss:16.9g}"]
        write("  ".join(cells), terminal)
