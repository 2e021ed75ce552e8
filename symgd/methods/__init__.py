"""Methods are formulas: how a gradient becomes the next point, and at which rate.

A method is a list of updates in the formula language, in the names theta, g (the gradient), eta
(the learning rate), t (the number of updates so far), its states and its numbers. It is read by
the parser, run by the compiler and printed by the printers of the house, so that what is shown is
what is computed. :data:`METHODS` is the table; a rule of one's own is text as well.

>>> import symgd
>>> adam = method("adam", b1=0.8)
>>> found = symgd.minimize("(x - 3)^2 + 2*(y + 1)^4", start={"x": 0, "y": 0}, method=adam,
...                        rate=0.05, precision=1e-3)
>>> print(adam.statements[0].target, "=", adam.statements[0].text)
m = b1*m + (1 - b1)*g
>>> rule = from_text("v = 0.9*v + g; theta = theta - eta*v", state={"v": 0})
>>> print(rule.latex())
\\mathbf{v} \\leftarrow 0.9 \\mathbf{v} + \\mathbf{g} \\\\
\\boldsymbol{\\theta} \\leftarrow \\boldsymbol{\\theta} - \\eta \\mathbf{v}
"""

from symgd.methods.rule import Rule, from_text
from symgd.methods.schedule import FormulaSchedule, schedule, schedule_function
from symgd.methods.table import METHODS, Row, method, named

__all__ = [
    "METHODS",
    "FormulaSchedule",
    "Row",
    "Rule",
    "from_text",
    "method",
    "named",
    "schedule",
    "schedule_function",
]
