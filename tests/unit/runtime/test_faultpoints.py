"""The list of fault points is the code's, and the points do nothing unless asked."""

import re
from pathlib import Path

import pytest

from services.runtime import faultpoints


def test_the_list_names_exactly_the_points_in_the_code() -> None:
    sources = Path(faultpoints.__file__).parents[1].rglob("*.py")
    used = {name for source in sources for name in re.findall(r'reach\("([a-z_.]+)"\)', source.read_text("utf-8"))}
    assert used == set(faultpoints.POINTS)


async def test_a_point_that_nobody_asked_for_is_passed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAGESBILD_FAULTPOINT", "relay.after_confirm")
    monkeypatch.setenv("LAGESBILD_FAULTFILE", str(tmp_path / "reached"))
    await faultpoints.reach("relay.before_publish")
    assert not (tmp_path / "reached").exists()
    monkeypatch.setattr(faultpoints, "WAIT_SECONDS", 0)
    await faultpoints.reach("relay.after_confirm")
    assert (tmp_path / "reached").exists()
