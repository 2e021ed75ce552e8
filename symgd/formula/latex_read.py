r"""LaTeX to a :class:`~symgd.formula.problem.Problem`: what textbooks, papers and fields write.

The tokens of :mod:`~symgd.formula.latex_tokens` run through the one Pratt parser;
this module adds the operands that only LaTeX has. Letters are names one by one
(``xy`` is ``x*y``), a name before a bracket is a factor, and every token is used or
the formula is refused with its place.

>>> p = read_latex(r"\frac{1}{N}\sum_{i=1}^{N}\left(y_i - (m x_i + b)\right)^2")
>>> p.root, p.reading.split("   ")[:2]
(<Node 1/N*sum((y - (m*x + b))^2)>, ['data: x, y (N rows)', 'parameters: m, b'])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from symgd.errors import LimitProblem, OptionError
from symgd.formula.applied import Defined, expanded
from symgd.formula.latex_arrays import with_arrays
from symgd.formula.latex_parser import LatexParser
from symgd.formula.latex_pieces import check_definitions, pieces_of
from symgd.formula.latex_tokens import tokenize_latex
from symgd.formula.parser import MAX_NESTING, Parsed
from symgd.formula.problem import Problem, ShapeLike, declare, from_syntax
from symgd.formula.shapes import Shape
from symgd.formula.syntax import Syntax


def read_latex(
    text: str,
    *,
    wrt: str | Iterable[str] | None = None,
    columns: Iterable[str] | Mapping[str, Shape | None] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Problem:
    r"""Read a formula given as LaTeX; the options are those of :func:`~symgd.formula.problem.read`.

    Names come out in the text syntax: ``\theta_0`` is ``theta_0``, ``\hat{y}_i`` the
    column ``y_hat``, ``E_{\mathrm{kin}}`` is ``E_kin``. Bold letters, transposes, norms
    and capitals beside small letters say what is a vector and what is a matrix.

    Raises a :class:`~symgd.errors.FormulaError` with the place, the reason and
    the remedy for everything that is not understood.

    >>> read_latex(r"\|Xw - y\|_2^2").reading
    'data: X(N, p), y (N rows)   parameters: w(p,)'
    """
    if not isinstance(text, str):
        raise OptionError(f"a formula is text, not {type(text).__name__}")
    declared = declare(wrt, columns, shapes, constants)
    try:
        parsed, parsers = latex_syntax(text, declared.names)
        parsed, known = with_arrays(parsed, parsers, declared)
    except RecursionError:
        raise LimitProblem(f"nested more than {MAX_NESTING} deep", text) from None
    problem = from_syntax(parsed, known)
    notes = dict.fromkeys(note for parser in parsers for note in parser.notes)
    return replace(problem, declared=declared, notes=(*problem.notes, *notes))


def latex_syntax(text: str, words: frozenset[str]) -> tuple[Parsed, list[LatexParser]]:
    """The syntax tree of LaTeX source, and the parsers that know how names were written."""
    tokens = tokenize_latex(text, words)
    body, label, definitions = pieces_of(tokens, text)
    heads = [LatexParser(tokens, text, words).defined_name() for tokens in definitions]
    functions = frozenset(name for name, parameters in heads if parameters)
    main = LatexParser(body, text, words, functions=functions)
    parsers = [main]
    root = main.whole()
    defined: dict[str, Syntax] = {}
    applied: dict[str, Defined] = {}
    for tokens_of_definition in definitions:
        parser = LatexParser(tokens_of_definition, text, words, main.every_index, functions)
        name, parameters = parser.defined_name()
        parser.bound = [i for i in main.every_index if i in name.rpartition("_")[2]]
        formula = parser.whole()
        parsers.append(parser)
        if parameters:
            applied[name] = Defined(parameters, formula)
        else:
            defined[name] = formula
    root = expanded(root, applied, text)
    defined = {name: expanded(formula, applied, text) for name, formula in defined.items()}
    check_definitions(root, defined, text)
    return Parsed(root, text, label, defined), parsers
