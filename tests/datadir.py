"""Data folder: where the public traces and measurements lie that some tests need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA_VARIABLE = "TOKENFLEET_DATA"
REPOSITORY = Path(__file__).resolve().parent.parent


def data_root() -> Path:
    """Return the folder that TOKENFLEET_DATA names, else `shared` beside the repository."""
    return Path(os.environ.get(DATA_VARIABLE) or REPOSITORY / ".." / "shared").resolve()


def data_path(name: str) -> Path:
    """Return the file *name* (say ``traces/x.csv``) of the data folder; skip without it."""
    path = data_root() / name
    if not path.exists():
        pytest.skip(f"needs {name}; set {DATA_VARIABLE} to the folder that has it")
    return path
