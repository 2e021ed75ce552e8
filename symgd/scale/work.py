"""What is done to blocks of rows, wherever they are: plain functions of text and arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from symgd.data.columns import FloatArray
from symgd.errors import DataError
from symgd.scale.moments import moments_of
from symgd.scale.parts import Block, length_of
from symgd.scale.products import merge, products
from symgd.scale.rows import rows_of
from symgd.scale.spec import Spec
from symgd.scale.totals import totals

Blocks = Iterable[tuple[Block, int]]


class Gathered(NamedTuple):
    """What some blocks give: how many rows they have, how many were dropped, and the results."""

    rows: int
    dropped: int
    found: list[FloatArray]


def count(spec: Spec, blocks: Blocks) -> Gathered:
    """Only the numbers of rows."""
    rows = dropped = 0
    for block, gone in blocks:
        checked(spec, block)
        rows, dropped = rows + length_of(block), dropped + gone
    return Gathered(rows, dropped, [])


def inner(spec: Spec, blocks: Blocks, theta: FloatArray, numbers: FloatArray) -> Gathered:
    """The inner products of the rows of every term (:mod:`symgd.scale.rows`) at ``theta``."""
    made = rows_of(spec)
    rows = dropped = 0
    found: list[FloatArray] = []
    for block, gone in blocks:
        checked(spec, block)
        rows, dropped = rows + length_of(block), dropped + gone
        if not length_of(block):
            continue
        part = products(made, theta, block, numbers)
        found = part if not found else [merge(a, b) for a, b in zip(found, part, strict=True)]
    return Gathered(rows, dropped, found)


def sums(
    spec: Spec, blocks: Blocks, kind: str, stage: int, states: FloatArray, backend: str
) -> Gathered:
    """The parts of one stage of a program (:mod:`symgd.scale.totals`), for each of the states."""
    program = totals(spec, kind, backend)
    rows = dropped = 0
    parts: list[list[FloatArray]] = [[] for _ in states]
    for block, gone in blocks:
        checked(spec, block)
        rows, dropped = rows + length_of(block), dropped + gone
        if not length_of(block):
            continue
        for own, state in zip(parts, states, strict=True):
            own.append(program.partial(stage, state, block))
    found = [np.concatenate(own) for own in parts] if parts[0] else []
    return Gathered(rows, dropped, found)


def moments(spec: Spec, blocks: Blocks) -> Gathered:
    """The sums of :mod:`symgd.scale.moments`, one array for each block."""
    rows = dropped = 0
    found: list[FloatArray] = []
    for block, gone in blocks:
        rows, dropped = rows + length_of(block), dropped + gone
        if length_of(block):
            found.append(moments_of(spec, block))
    return Gathered(rows, dropped, found)


def checked(spec: Spec, block: Block) -> None:
    """Refuse weights below zero and errors that are not above."""
    if not spec.positive or not length_of(block):
        return
    name, what = spec.positive
    least = float(np.min(block[name]))
    if what == "weights" and least < 0:
        raise DataError(f"weights must not be negative: column {name} has {least:g}")
    if what == "sigma" and not least > 0:
        raise DataError(f"sigma must be above zero: column {name} has {least:g}")
