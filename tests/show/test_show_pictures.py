"""Every kind of picture of a range of problems: no warnings, and the artists hold the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgd
from symgd import show
from symgd.errors import OptionError, UnsupportedError

PARABOLA = "(x - 3.5)^2 - 4.5x + 10"
MSE = "mean((y - (m*x + b))^2)"


def rows(count: int = 40, seed: int = 5) -> dict[str, np.ndarray]:
    """A noisy line."""
    random = np.random.default_rng(seed)
    x = random.uniform(-2, 2, count)
    return {"x": x, "y": 1.5 * x + 0.5 + random.normal(0, 0.3, count)}


DATA = rows()
LABELS = {"x": DATA["x"], "y": (DATA["x"] > 0.1 * np.arange(40) % 1 - 0.5).astype(float)}

PROBLEMS: list[tuple[str, dict[str, Any]]] = [
    (PARABOLA, {"start": {"x": 0}, "rate": 0.1}),
    (PARABOLA, {"start": {"x": 9}, "rate": 50}),
    (PARABOLA, {"start": {"x": 9}, "rate": 0.95}),
    ("x^4 - 3x^2 + x", {"start": {"x": 2}, "rate": 0.01}),
    ("log(x) + 1/x", {"start": {"x": 0.3}, "rate": 0.01, "steps": 300}),
    ("sqrt(x - 5)", {"start": {"x": 5.1}, "rate": 1.0}),
    ("0*x + 3", {"start": {"x": 9}, "rate": 0.5}),
    ("abs(x) + 0.1*x^2", {"start": {"x": 3}, "rate": 0.07, "steps": 100}),
    ("1e12*(x - 1e-9)^2", {"start": {"x": 1e-8}, "rate": 1e-13}),
    ("(1 - x)^2 + 100*(y - x^2)^2", {"start": {"x": -1.2, "y": 1}, "rate": 1e-3, "steps": 500}),
    ("(1 - x)^2 + 100*(y - x^2)^2", {"start": {"x": -1.2, "y": 1}}),
    ("x^2 + 50*y^2", {"start": {"x": 3, "y": 1}, "rate": 0.021}),
    ("-x^2 - y", {"start": {"x": 1, "y": 0}, "rate": 0.1}),
    ("exp(4*x) + exp(-2*x) + y^4", {"start": {"x": 2, "y": 2}, "rate": 1e-4, "steps": 500}),
    (MSE, {"data": DATA, "start": {"m": -1, "b": 3}, "rate": 0.1}),
    (MSE, {"data": DATA, "batch": 4, "schedule": "20/(t + 200)", "epochs": 9, "precision": None,
           "start": {"m": -1, "b": 3}, "seed": 0}),
    ("mean((y - (a*x^2 + b*x + c))^2)", {"data": DATA, "rate": 0.05}),
    ("mean(log(1 + exp(m*x + b)) - y*(m*x + b))", {"data": LABELS, "rate": 0.5, "steps": 200}),
]  # fmt: skip


def drawn(figure: Any) -> Any:
    """The figure, drawn to its end and seen to show something."""
    figure.set_dpi(40)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    assert pixels.std() > 3
    assert all(axes.get_xlabel() or axes.get_ylabel() or axes.get_title() or axes.texts
               for axes in figure.axes if axes.axison)  # fmt: skip
    return figure


def of(figure: Any, gid: str) -> Any:
    """The one artist with that mark."""
    found = [a for axes in figure.axes for a in axes.get_children() if a.get_gid() == gid]
    assert len(found) == 1, (gid, found)
    return found[0]


@pytest.mark.parametrize(("formula", "options"), PROBLEMS, ids=[f"{k}" for k in range(18)])
def test_every_problem_has_its_pictures(formula: str, options: dict[str, Any]) -> None:
    run = symgd.minimize(formula, **options)
    data = options.get("data")
    drawn(show.history(run))
    drawn(show.plot_solution(run, formula, data=data, theme="dark"))
    if run.layout.size == 2:
        drawn(show.surface(formula, run, data=data))


@pytest.mark.parametrize("formula", [PARABOLA, "sin(x)*cos(y) + 0.1*(x^2 + y^2)"])
def test_a_picture_without_a_run_is_framed_by_the_minimum(formula: str) -> None:
    pictures = [show.curve] if "y" not in formula else [show.contour, show.surface, show.slices]
    for picture in pictures:
        drawn(picture(formula))


def test_the_curve_holds_the_loss_and_the_path() -> None:
    run = symgd.minimize(PARABOLA, start={"x": 0}, rate=0.1)
    figure = show.curve(PARABOLA, run)
    x, loss = of(figure, "loss").get_data()
    assert loss == pytest.approx((x - 3.5) ** 2 - 4.5 * x + 10)
    path_x, path_loss = of(figure, "path").get_data()
    assert (path_x[0], path_x[-1]) == (0.0, run.params["x"])
    assert path_loss[-1] == pytest.approx(run.loss)
    assert of(figure, "solution").get_data()[0] == pytest.approx([5.75], abs=1e-5)
    low, high = figure.axes[0].get_xlim()
    assert low < 0 < 5.75 < high


@pytest.mark.parametrize("start", [{"m": -1, "b": 3}, {"m": 4, "b": -2}])
def test_the_path_on_contours_and_surface_ends_at_the_solution(start: dict[str, float]) -> None:
    run = symgd.minimize(MSE, start, data=DATA, rate=0.1)
    for figure in (show.contour(MSE, run, data=DATA), show.surface(MSE, run, data=DATA)):
        line = of(figure, "path")
        points = line.get_data_3d() if hasattr(line, "get_data_3d") else line.get_data()
        assert [points[0][0], points[1][0]] == [start["m"], start["b"]]
        assert [points[0][-1], points[1][-1]] == run.theta.tolist()
        if len(points) == 3:
            assert points[2][-1] == pytest.approx(run.loss)
            assert points[2][0] == pytest.approx(run.history.loss[0])


def test_a_wall_is_cut_and_the_cut_is_said() -> None:
    formula = "exp(4*x) + exp(-2*x) + y^4"
    run = symgd.minimize(formula, {"x": 0.5, "y": 1}, rate=1e-3, steps=2000)
    figure = show.surface(formula, run, span={"x": (-1, 4), "y": (-1, 1)})
    assert figure.axes[0].get_zlim()[1] < 1e4 < np.exp(16)
    assert any("cut at" in text.get_text() for text in figure.texts)


def test_the_others_are_held_or_at_their_best() -> None:
    formula, data = "mean((y - (a*x^2 + b*x + c))^2)", rows(30)
    run = symgd.minimize(formula, data=data)
    held = show.contour(formula, run, data=data, over="a,c")
    best = show.contour(formula, run, data=data, over="a,c", others="profiled")
    assert any("held: $b$" in text.get_text() for text in held.texts)
    assert any("at their best" in text.get_text() for text in best.texts)
    assert held.axes[0].get_ylabel() == "$c$"


def test_slices_are_the_loss_for_each_value() -> None:
    figure = show.slices(MSE, data=DATA, over="m,b", values=[-1, 0, 2])
    lines = [line for line in figure.axes[0].lines if line.get_gid() == "slice"]
    for line, b in zip(lines, (-1, 0, 2), strict=True):
        m, loss = line.get_data()
        right = [np.mean((DATA["y"] - (k * DATA["x"] + b)) ** 2) for k in m]
        assert loss == pytest.approx(right)


def test_the_history_holds_the_record() -> None:
    run = symgd.minimize(MSE, {"m": -1, "b": 3}, data=DATA, rate=0.1)
    figure = show.history(run)
    assert of(figure, "loss").get_data()[1] == pytest.approx(run.history.loss)
    assert of(figure, "m").get_data()[1] == pytest.approx(run.history.component("m"))
    assert figure.axes[1].get_yscale() == "log"


def test_the_bands_contain_the_line_and_the_line_is_the_model() -> None:
    fitted = symgd.fit("y ~ m*x + b", DATA)
    figure = show.fit(fitted)
    x, line = of(figure, "fit").get_data()
    assert line == pytest.approx(fitted.predict({"x": x}))
    inner, outer = (of(figure, gid).get_paths()[0].vertices for gid in ("confidence", "prediction"))
    for place, height in zip(x, line, strict=True):
        near, far = (band[band[:, 0] == place, 1] for band in (inner, outer))
        assert far.min() < near.min() < height < near.max() < far.max()


def test_the_bands_are_those_of_the_textbook() -> None:
    fitted = symgd.fit("y ~ m*x + b", DATA)
    x = DATA["x"]
    band = of(show.fit(fitted, level=0.9), "confidence").get_paths()[0].vertices
    place = band[len(band) // 4, 0]
    measured = np.ptp(band[band[:, 0] == place, 1]) / 2
    n, spread = len(x), np.sum((x - x.mean()) ** 2)
    factor = 1.6859544601667387  # Student's t, 38 degrees of freedom, 95 %
    right = factor * fitted.residual_sd * np.sqrt(1 / n + (place - x.mean()) ** 2 / spread)
    assert measured == pytest.approx(right, rel=1e-9)


@pytest.mark.parametrize(
    ("model", "loss"),
    [("y ~ m*x + b", "mse"), ("y ~ m*x + b", "mae"), ("y ~ m*x + b", "logistic"),
     ("y ~ m*x + b", "poisson"), ("y ~ c", "mse"), ("y ~ w1*x + w2*z + b", "mse")],
)  # fmt: skip
def test_every_fit_has_a_picture(model: str, loss: str) -> None:
    data = {**LABELS, "z": np.cos(7 * DATA["x"])}
    figure = drawn(symgd.fit(model, data, loss=loss, method="gd", rate=0.1, steps=300).plot())
    if loss == "logistic":
        _, line = of(figure, "fit").get_data()
        assert 0 < line.min() < line.max() < 1


def test_rates_mark_the_limit() -> None:
    figure = drawn(show.rates(PARABOLA, start={"x": 0}))
    limit = of(figure, "2/L").get_xdata()
    assert list(limit) == pytest.approx([1.0, 1.0])
    words = " ".join(axes.get_title("left") for axes in figure.axes)
    for word in ("slow", "good", "oscillates", "diverges"):
        assert word in words
    drawn(show.rates(MSE, [0.01, 0.3], data=DATA, theme="dark"))


def test_methods_are_compared_on_one_contour() -> None:
    bowl, start = "x^2 + 4*y^2 + x*y", {"x": 3, "y": 2}
    runs = {"slow": symgd.minimize(bowl, start, rate=0.02), "Newton": symgd.minimize(bowl, start)}
    figure = drawn(show.compare(bowl, runs))
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels[0].startswith("slow: ")
    assert labels[1].startswith("Newton: ")


def test_the_graph_holds_values_and_adjoints() -> None:
    figure = drawn(show.graph("(w*x + b - y)^2", {"w": 2, "x": 3, "b": 1, "y": 5}))
    said = [(text.get_gid(), text.get_text()) for text in figure.axes[0].texts]
    values = [text for gid, text in said if gid == "value"]
    adjoints = [text for gid, text in said if gid == "adjoint"]
    assert values[-1] == "4"  # (2*3 + 1 - 5)^2
    assert {"12", "8", "4", "1"} <= set(adjoints)  # dL/dw = 2*2*3, dL/dx = 2*2*2, dL/db = 4
    drawn(show.graph(MSE, {"m": 1, "b": 0}, data={"x": [1, 2], "y": [0, 1]}))
    drawn(show.graph(MSE, theme="dark"))


def test_a_gradient_too_large_for_a_graph_is_written_out() -> None:
    g = symgd.gradient(" + ".join(f"(x{k} - {k})^2*x{k + 1}" for k in range(20)))
    with pytest.raises(UnsupportedError, match="cannot be read"):
        show.graph(g)
    figure = drawn(show.plot_gradient(g))
    assert len([text for text in figure.texts if text.get_gid() == "partial"]) == 9


def test_functions_fits_and_objectives_can_be_drawn() -> None:
    def bowl(theta: np.ndarray) -> tuple[float, np.ndarray]:
        return float(theta @ theta), 2 * theta

    run = symgd.descend(bowl, {"a": 1.0, "b": 2.0}, rate=0.2)
    assert drawn(show.contour(bowl, run)).axes[0].get_xlabel() == "$a$"
    single = symgd.descend(lambda x: ((x - 3) ** 2, 2 * (x - 3)), 7.0, rate=0.25)
    drawn(show.curve(lambda x: ((x - 3) ** 2, 2 * (x - 3)), single))
    drawn(show.contour(symgd.fit("y ~ m*x + b", DATA, rate=0.1)))
    g = symgd.gradient(MSE)
    assert show.curve(g, data=DATA, over="b").axes[0].get_xlabel() == "$b$"
    assert show.curve(g.compile(DATA), over="b").axes[0].get_xlabel() == "$b$"


def test_what_cannot_be_drawn_is_refused_in_words() -> None:
    run = symgd.minimize(PARABOLA, start={"x": 0}, rate=0.1)
    bare = symgd.descend(lambda x: (x**2, 2 * x), 1.0, rate=0.1)
    for call, said in [
        (lambda: show.contour(PARABOLA, run), "two parameters"),
        (lambda: show.curve(PARABOLA, run, over="z"), "no parameter 'z'"),
        (lambda: show.curve(MSE, run, data=DATA), "do not belong together"),
        (lambda: show.curve(bare), "give the formula"),
        (lambda: show.curve(3), "not int"),
        (lambda: show.curve(lambda x: (x, x)), "does not name its parameters"),
        (lambda: show.curve(PARABOLA, run, theme="drak"), "did you mean 'dark'"),
        (lambda: show.curve(PARABOLA, run, span=(3, 1)), "must be"),
        (lambda: show.contour("x^2 + y^2", others="free"), "held, profiled"),
        (lambda: show.fit(run), "of a fit"),  # type: ignore[arg-type]
        (lambda: show.rates(PARABOLA, [-1.0]), "positive rates"),
        (lambda: show.compare(PARABOLA, {}), "1 to 7 runs"),
        (lambda: show.graph(PARABOLA, {}), "no value is given for x"),
    ]:
        with pytest.raises(OptionError, match=said):
            call()
