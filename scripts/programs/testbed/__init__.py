"""A real cluster in a folder of its own, people on it, and what its databases hold.

The programs beside it use it, and the tests that start processes.
"""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
"""Of the repository."""
PYTHONPATH: Final = f"{ROOT}:{ROOT / 'scripts' / 'programs'}"
"""By which a program beside this one is found in another process."""
