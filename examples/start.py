"""Sets up symgd in ``.venv`` if needed and fits certified data: ``python3 examples/start.py``.

The straight line through the Norris data of NIST, its derivation, and our numbers
beside the certified ones: see ``norris.py``, to which all arguments go.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from environment import run_in_environment  # noqa: E402

if __name__ == "__main__":
    sys.exit(run_in_environment(str(ROOT / "examples" / "norris.py"), *sys.argv[1:]))
