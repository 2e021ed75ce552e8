"""Constants that several elementary functions share; a tuple is one number in parts."""

HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
LN2 = (0.6931471805599453, 2.3190468138462996e-17)
LN2_SHORT = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
LOG2E = 1.4426950408889634
MAGIC = 6755399441055744.0
"""1.5 * 2^52: adding it rounds to a whole number, which then stands in the low bits."""
