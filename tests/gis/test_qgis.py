"""QGIS itself (Debian's package) reads the layers: it lists, opens, pages, filters by rectangle and draws them."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.integration.test_gis import POINT, SENT, key, town
from tests.support.instance import Instance, Tenant
from tests.support.system_packages import qgis_python, sentence

PICTURE = Path(__file__).parents[2] / "build" / "qgis.png"
BOX = (POINT["x"] - 0.0005, POINT["y"] - 0.0005, POINT["x"] + 0.0195, POINT["y"] + 0.0085)
__all__ = ["town"]


async def test_qgis_opens_filters_and_draws_the_layers(instance: Instance, town: Tenant) -> None:
    if qgis_python() is None:
        pytest.fail(sentence())
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.unlink(missing_ok=True)
    secret = await key(instance, town.kommun, "features:read", "counts:read")
    script = Path(__file__).with_name("in_qgis.py")
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/python3", str(script), instance.ground.layout.public_url, secret, str(PICTURE), *map(str, BOX),
        env={"PATH": os.environ["PATH"], "HOME": str(PICTURE.parent), "QT_QPA_PLATFORM": "offscreen"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 300)
    assert process.returncode == 0, err.decode()[-2000:]
    seen = json.loads(out.decode().splitlines()[-1])
    assert (seen["features"], seen["errors"]) == (SENT, [])
    assert seen["inside_right"]
    assert seen["inside"] == 9 * 20
    assert "event_type" in seen["fields"]
    assert PICTURE.stat().st_size > 10_000
