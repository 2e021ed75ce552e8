"""Sets up symgd in ``.venv`` if needed and runs the tests: ``python3 tests/run.py``.

All arguments go to pytest: ``python3 tests/run.py -k csv``. Without arguments all
tests run, on all processors.
"""

import sys

from environment import run_in_environment

if __name__ == "__main__":
    arguments = sys.argv[1:] or ["-n", "auto"]
    sys.exit(run_in_environment("-m", "pytest", *arguments))
