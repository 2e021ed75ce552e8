"""How a formula runs: the graph as a straight line, compiled to NumPy, or exact at many digits."""
