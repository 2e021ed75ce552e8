"""How a formula changes: rules (the table), the reverse sweep, the forward walk, textbook form.

``partials.derive`` is the way in: a problem in, all partial derivatives out.
"""
