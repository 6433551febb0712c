"""Signals in a real browser: a case that a night found, with its cells on a map, and what corrections did to it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import h3
import numpy as np
import pytest
from playwright.async_api import Browser, Page, expect

from services.analysis.handlers.scanning import Scanning
from services.runtime.database import Database
from services.runtime.migrations import serve_role, work_role
from tests.browser.conftest import DESKTOP, Town
from tests.browser.test_pictures import NARROW, _sound
from tests.integration.test_cards import LAST, put
from tests.integration.test_photos import person
from tests.integration.test_signals import _report, schedule, take

KOMMUN = "0665"
"""Vaggeryd, which no other test has anything to do with."""
MIDDLE = h3.latlng_to_cell(57.498, 14.147, 9)
NIGHT = datetime(LAST.year, LAST.month, LAST.day, 5, tzinfo=UTC) + timedelta(days=1)


@pytest.fixture(scope="module")
async def jar(town: Town) -> dict[str, str]:
    """An analyst of a municipality where a night found a gathering; a fifth of it was withdrawn the day after."""
    await town.instance.tenant(KOMMUN)
    cells, dice = sorted(h3.grid_disk(MIDDLE, 4)), np.random.default_rng(3)
    quiet = [
        put(
            _report(KOMMUN, i, LAST - timedelta(days=int(dice.integers(0, 364)))), cells[int(dice.integers(len(cells)))]
        )
        for i in range(400)
    ]
    rise = [put(_report(KOMMUN, 5_000 + i, LAST - timedelta(days=i % 3)), MIDDLE) for i in range(20)]
    gone = [f.model_copy(update={"report": f.report.model_copy(update={"revision": 2, "withdrawn": True})})
            for f in rise[:4]]  # fmt: skip
    database = Database(town.instance.ground.database_url(work_role("analysis")), pool_size=2)
    door = Database(town.instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        for days, facts in enumerate(([*quiet, *rise], gone)):
            await take(database, KOMMUN, facts)
            await schedule(database, KOMMUN, NIGHT + timedelta(days=days), [Scanning(database).task()]).once()
        return await person(door, KOMMUN, "analytiker")
    finally:
        await database.close()
        await door.close()


@pytest.fixture(params=[DESKTOP, NARROW], ids=["desktop", "320 px"])
async def page(
    request: pytest.FixtureRequest, browser: Browser, town: Town, jar: dict[str, str]
) -> AsyncIterator[Page]:
    context = await browser.new_context(locale="sv-SE", **request.param)
    await context.add_cookies([{"name": name, "value": value, "url": town.url} for name, value in jar.items()])
    yield await context.new_page()
    await context.close()


async def test_a_case_says_what_was_seen_what_it_is_now_and_where(page: Page, town: Town) -> None:
    await page.goto(f"{town.url}/signaler")
    case = page.locator("article").first
    await expect(case).to_contain_text("Ansamling av skadegörelse")
    await expect(case.locator("svg[role=img]")).to_be_visible()
    await expect(case).to_contain_text("Efter rättelser")
    await _sound(page, "signals with a gathering")
    await case.locator("summary").first.click()
    await _sound(page, "a case's method")
