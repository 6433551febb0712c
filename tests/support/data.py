"""The shared test data, beside the checkout; never copied into it. A missing file skips loudly, and fails in CI."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def shared(path: str) -> str:
    """The file's path under ``../shared/data``, or the folder that LAGESBILD_SHARED_DATA names."""
    base = Path(os.environ.get("LAGESBILD_SHARED_DATA", ROOT.parent / "shared" / "data"))
    found = base / path
    if not found.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{found} is missing")
        pytest.skip(f"{found} is missing: this test needs the shared test data")
    return str(found)
