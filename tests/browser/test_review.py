"""The review page in a real browser: keys, taps, search, pointing, undoing; what a decision does to later versions."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Page, expect

from services.runtime.migrations import work_role
from tests.browser.conftest import DESKTOP, PHONE, Login, Town, live
from tests.support import register_files
from tests.support.instance import eventually, reports

Placed = Callable[[str], Awaitable[dict[str, Any]]]


@pytest.fixture
async def registered(town: Town) -> None:
    """Nässjö has a register in which Storgatan exists once."""
    await register_files.keep(town.instance.ground.database_url(work_role("geo")), town.tenant.kommun)


@pytest.fixture
def placed(town: Town) -> Placed:
    """The newest placement of a sent report, as the picture has it."""

    async def ask(sent: str) -> dict[str, Any]:
        ident = UUID(town.tenant.ledger[sent]["report_id"])
        rows = await town.instance.sql("select event from facts where report_id = $1", ident, kommun=town.tenant.kommun)
        return dict(json.loads(rows[0]["event"])["placement"]) if rows else {}

    return ask


async def send(town: Town, place: dict[str, Any], **changes: Any) -> str:
    """One report with this place; its sender's id, once it waits for a person."""
    mark = f"review-{uuid4().hex[:8]}"
    report = reports(1, mark, place=place, **changes)[0]
    await town.tenant.load([report])

    async def waits() -> bool:
        ident = UUID(town.tenant.ledger[report["id"]]["report_id"])
        rows = await town.instance.sql(
            "select review from placements where report_id = $1", ident, kommun=town.tenant.kommun, room="geo"
        )
        return bool(rows) and rows[0]["review"] is not None

    await eventually(waits, "the report waits for a person")
    return str(report["id"])


async def open_case(page: Page, town: Town, sent: str, more: str = "") -> None:
    await page.goto(f"{town.url}/granska?rapport={town.tenant.ledger[sent]['report_id']}{more}")


async def until(placed: Placed, sent: str, **wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def there() -> bool:
        found.clear()
        found.update(await placed(sent))
        return all(found.get(k) == v for k, v in wanted.items())

    await eventually(there, f"{sent} is placed as {wanted}")
    return found


@pytest.mark.usefixtures("registered")
async def test_a_conflict_is_settled_by_a_key_and_stays_settled(login: Login, town: Town, placed: Placed) -> None:
    far = {"text": "Storgatan 12", "coordinates": {"x": 14.69, "y": 57.65, "accuracy_m": 10}}
    sent = await send(town, far)
    page = await login("analytiker", **DESKTOP)
    await open_case(page, town, sent)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Granska platser")
    await expect(page.locator(".cand b")).to_have_text(["Telefonens position", "Storgatan 12"])
    await expect(page.locator(".qlist [aria-current]")).to_contain_text("text och position långt isär")
    await page.keyboard.press("2")
    await expect(page.get_by_role("status")).to_contain_text("Rapporten är placerad.")
    found = await until(placed, sent, precision="address")
    assert found["notes"] == ["settled"]
    # The sender corrects something else: the decision holds. Another place: it does not.
    newer = reports(1, sent.rsplit("-", 1)[0], place=far, source_version=2, severity=2)[0]
    await town.tenant.load([newer])
    await until(placed, sent, precision="address", notes=["settled"])
    moved = {"coordinates": {"x": 14.70, "y": 57.66, "accuracy_m": 10}}
    await town.tenant.load([reports(1, sent.rsplit("-", 1)[0], place=moved, source_version=3)[0]])
    found = await until(placed, sent, precision="gps")
    assert "settled" not in found.get("notes", ())


@pytest.mark.usefixtures("registered")
async def test_none_of_them_and_undo(login: Login, town: Town, placed: Placed) -> None:
    sent = await send(town, {"text": "Finnsintegatan 5"})
    page = await login("analytiker", **PHONE)
    await open_case(page, town, sent)
    await page.get_by_role("button", name="Ingen av dem").click()
    await expect(page.get_by_role("status")).to_contain_text("står kvar utan plats")
    await until(placed, sent, notes=["settled"], precision="none")
    await page.get_by_role("button", name="Ångra").click()
    await expect(page.get_by_role("status")).to_contain_text("Valet är ångrat")

    async def waits_again() -> bool:
        await open_case(page, town, sent)
        return await page.locator(".qlist a", has_text="Finnsintegatan 5").count() > 0

    await eventually(waits_again, "the report waits again")


@pytest.mark.usefixtures("registered")
async def test_an_address_is_searched_and_its_name_is_learnt(login: Login, town: Town, placed: Placed) -> None:
    name = f"Utanför kiosken {uuid4().hex[:4]}"
    sent = await send(town, {"text": name})
    page = await login("analytiker", java_script_enabled=False, **DESKTOP)
    await open_case(page, town, sent)
    await page.fill("#sok", "Storgt 8")
    await page.get_by_role("button", name="Sök").click()
    await expect(page.locator(".cand b").first).to_have_text("Storgatan 8")  # a guess, for a person to look at
    await page.fill("#sok", "rådhusg 8")
    await page.get_by_role("button", name="Sök").click()
    await expect(page.locator(".cand b")).to_have_text(["Rådhusgatan 8"])
    await page.check("#learn")
    await page.locator(".cand").first.click()
    await until(placed, sent, precision="address")
    second = f"review-{uuid4().hex[:8]}"
    await town.tenant.load(reports(1, second, place={"text": name.lower()}))
    found = await until(placed, f"{second}-0", precision="place")
    assert found["register_version"]
    # Taken back, the name is forgotten: the next report with the same words waits for a person again.
    await page.goto(f"{town.url}/granska?klart={town.tenant.ledger[sent]['report_id']}&hur=plats")
    await page.get_by_role("button", name="Ångra").click()
    third = await send(town, {"text": name})
    assert (await until(placed, third, precision="none"))["reason"] == "not_found"


@pytest.mark.parametrize("map_of", ["drawn", "live"])
@pytest.mark.usefixtures("registered")
async def test_a_point_on_the_map_is_a_candidate(login: Login, town: Town, placed: Placed, map_of: str) -> None:
    sent = await send(town, {"text": f"Bakom hallen någonstans {map_of}"})
    page = await login("analytiker", **DESKTOP)
    if map_of == "drawn":  # as where the browser has no WebGL
        await page.route("**/static/map.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    await open_case(page, town, sent)
    if map_of == "live":
        await live(page)
    at = "[data-map].wide" if map_of == "drawn" else ".live-map canvas"
    await page.locator(at).click(position={"x": 200, "y": 200})
    await page.wait_for_url(re.compile("sok="))
    await expect(page.locator(".cand")).to_have_count(1)
    await expect(page.locator("[data-map].wide .pin")).to_have_count(1)
    if map_of == "live":  # a press on the pin goes to its button, and asks for nothing anew
        await live(page)
        await page.locator(at).click()
        await expect(page.locator(".cand").first).to_be_focused()
    await page.locator(".cand").first.click()
    found = await until(placed, sent, precision="gps")
    assert found["located_kommun"] == town.tenant.kommun


async def test_only_those_who_review_may_see_it(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    answer = await page.goto(f"{town.url}/granska")
    assert answer is not None
    assert answer.status == 403
    await expect(page.get_by_text("Du har inte behörighet")).to_be_visible()
