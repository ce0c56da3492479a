"""Where the test data made by others lies: beside the checkout, never inside it."""

import os
from pathlib import Path

import pytest


def shared_data(folder: str) -> Path:
    """The folder of that name, or a skip that says what is missing.

    `JINGUI_SHARED_DATA` names the place; without it, `../shared/data` beside the checkout is looked for.
    """
    default = Path(__file__).parents[2] / "shared" / "data"
    root = Path(os.environ.get("JINGUI_SHARED_DATA", str(default)))
    if not (root / folder).is_dir():
        pytest.skip(f"shared test data not present: {folder} (set JINGUI_SHARED_DATA to its folder)")
    return root / folder
