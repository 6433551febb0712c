"""Drawing places and areas in a real browser: with the mouse, without script, by two people at once."""

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Page, expect

from services.runtime.migrations import work_role
from tests.browser.conftest import DESKTOP, Login, Town, live
from tests.browser.test_pages import violations
from tests.support import register_files
from tests.support.instance import eventually, reports

SQUARE = "57.654000, 14.690000\n57.654000, 14.694000\n57.652000, 14.694000\n57.652000, 14.690000"


@pytest.fixture
async def registered(town: Town) -> None:
    await register_files.keep(town.instance.ground.database_url(work_role("geo")), town.tenant.kommun)


async def new_layer(page: Page, town: Town, kind: str = "places") -> str:
    title = f"Torg {uuid4().hex[:6]}"
    await page.goto(f"{town.url}/platser")
    await page.fill("#title", title)
    await page.check(f"#k-{kind}")
    await page.get_by_role("button", name="Skapa").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(title)
    return page.url.rsplit("/", 1)[1]


async def add(page: Page, name: str, corners: str) -> None:
    await page.get_by_role("link", name="Lägg till yta").click()
    await page.fill("#name", name)
    await page.fill("#corners", corners)
    await page.get_by_role("button", name="Spara i utkastet").click()


async def placement(town: Town, sent: str) -> dict[str, object]:
    ident = UUID(town.tenant.ledger[sent]["report_id"])
    rows = await town.instance.sql("select event from facts where report_id = $1", ident, kommun=town.tenant.kommun)
    return dict(json.loads(rows[0]["event"])["placement"]) if rows else {}


async def ends_and_begins_again(page: Page, layer: str) -> None:
    """A layer is ended by its last day, never one that has been; a change makes it hold again."""
    await page.fill("#sista", "2020-01-01")
    await page.evaluate("document.querySelector('#sista').removeAttribute('min')")
    await page.get_by_role("button", name="Avsluta").click()
    await expect(page.get_by_role("alert")).to_contain_text("Den sista dagen har redan varit")
    await page.get_by_role("button", name="Avsluta").click()
    await expect(page.get_by_role("status").first).to_contain_text("Skiktet gäller till och med")
    await expect(page.get_by_role("button", name="Avsluta")).to_have_count(0)
    await page.get_by_role("link", name="Ändra Stortorget").click()
    await page.fill("#owner", "Kommunen")
    await page.get_by_role("button", name="Spara i utkastet").click()
    await page.get_by_role("button", name="Gör gällande").click()
    await expect(page.get_by_role("status").first).to_contain_text("Version 3 gäller från")


def _begins(file: Path) -> bytes:
    raw = file.read_bytes()
    return raw[:4] if raw[:2] == b"PK" else raw.partition(b"Rapporter")[0]


async def its_card_is_sound(page: Page, town: Town, layer: str) -> None:
    """It says who was looking at the area that the place lies in, and shows the place there."""
    await page.goto(f"{town.url}/omraden")
    await page.locator(f'a[href*="{layer}"]').click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Stortorget")
    await expect(page.get_by_text("Aktiva rapportörer i ")).to_be_visible()
    await expect(page.locator('[aria-labelledby="var"] .cells path').first).to_be_visible()
    for width in (1280, 320):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await violations(page) == [], width
    for kind, start in (("CSV", "\ufeffTabell;Rad;".encode()), ("XLSX", b"PK\x03\x04")):
        async with page.expect_download() as fetched:
            await page.get_by_role("link", name=kind).click()
        assert _begins(await (await fetched.value).path()) == start


@pytest.mark.usefixtures("registered")
async def test_a_place_is_made_without_script_and_reports_come_to_lie_in_it(login: Login, town: Town) -> None:
    mark = f"draw-{uuid4().hex[:6]}"
    await town.tenant.load(reports(1, mark, place={"coordinates": {"x": 14.692, "y": 57.653}}))
    page = await login("analytiker", java_script_enabled=False, **DESKTOP)
    layer = await new_layer(page, town)
    await page.get_by_role("link", name="Lägg till yta").click()
    await page.fill("#adress", "Storgatan 8")
    await page.fill("#radie", "60")
    await page.get_by_role("button", name="Rita en ring").click()
    ring = await page.input_value("#corners")
    assert len(ring.splitlines()) == 32
    await page.fill("#corners", SQUARE)
    await page.fill("#name", "Stortorget")
    await page.get_by_role("button", name="Spara i utkastet").click()
    await expect(page.get_by_role("status").first).to_have_text("Sparat i utkastet.")
    await expect(page.get_by_text("Nya 1, borttagna 0")).to_be_visible()
    before = await placement(town, f"{mark}-0")
    await page.get_by_role("button", name="Gör gällande").click()
    await expect(page.get_by_role("status").first).to_contain_text("Version 1 gäller från")

    async def inside() -> bool:
        return len((await placement(town, f"{mark}-0")).get("places", ())) == 1  # type: ignore[arg-type]

    assert not before.get("places")
    await eventually(inside, "the report lies in the new place")
    await its_card_is_sound(await login("analytiker", **DESKTOP), town, layer)
    await ends_and_begins_again(page, layer)
    # Its name can be written in reports from now on.
    await town.tenant.load(reports(1, f"{mark}-n", place={"text": "Stortorget"}))

    async def named() -> bool:
        return (await placement(town, f"{mark}-n-0")).get("precision") == "place"

    await eventually(named, "the place's name is understood")
    assert layer in page.url


async def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(login: Login, town: Town) -> None:
    page = await login("analytiker", java_script_enabled=False, **DESKTOP)
    await new_layer(page, town)
    cross = "57.6540, 14.6900\n57.6520, 14.6940\n57.6540, 14.6940\n57.6520, 14.6900"
    await add(page, "Korset", cross)
    await expect(page.locator("#corners-wrong")).to_contain_text("Linjen korsar sig själv")
    assert await page.input_value("#corners") == cross
    assert await page.input_value("#name") == "Korset"
    away = SQUARE.replace("57.65", "59.33").replace("14.69", "18.06")
    await page.fill("#corners", away)
    await page.get_by_role("button", name="Spara i utkastet").click()
    await expect(page.locator("#corners-wrong")).to_contain_text("utanför kommunen")
    await page.fill("#adress", "Finnsintegatan 99")
    await page.get_by_role("button", name="Rita en ring").click()
    await expect(page.locator("#adress-wrong")).to_contain_text("Vi hittar inte ”Finnsintegatan 99”")


async def test_an_area_is_copied_changed_and_removed(login: Login, town: Town) -> None:
    page = await login("administrator", **DESKTOP)
    await new_layer(page, town, "areas")
    await page.get_by_role("link", name="Lägg till yta").click()
    await page.select_option("#kopia", label="Nässjö centrum")
    await page.get_by_role("button", name="Hämta hörnen").click()
    await expect(page.locator("#corners")).not_to_be_empty()
    await page.fill("#name", "Centrum")
    await page.get_by_role("button", name="Spara i utkastet").click()
    await expect(page.get_by_text(re.compile("luckor i kommunen som inget område täcker"))).to_be_visible()
    size = await page.locator("tbody td.n").inner_text()
    # Only its name is changed: the surface is kept to the millimetre, not written anew with six decimals.
    await page.get_by_role("link", name="Ändra Centrum").click()
    await page.fill("#name", "Mitten")
    await page.get_by_role("button", name="Spara i utkastet").click()
    assert await page.locator("tbody td.n").inner_text() == size
    await page.get_by_role("link", name="Ändra Mitten").click()
    await page.get_by_role("button", name="Ta bort ytan").click()
    await expect(page.get_by_text("Inga ytor än.")).to_be_visible()
    await page.get_by_role("button", name="Gör gällande").click()
    await expect(page.get_by_role("alert")).to_contain_text("minst en yta")


async def test_a_surface_is_drawn_with_the_mouse_and_the_list_follows(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    await new_layer(page, town)
    await page.get_by_role("link", name="Lägg till yta").click()
    await live(page)
    canvas = page.locator(".live-map canvas")
    for x, y in ((200, 150), (400, 150), (400, 350), (200, 350)):
        await canvas.click(position={"x": x, "y": y})
        await asyncio.sleep(0.2)
    await canvas.click(position={"x": 200, "y": 350})
    await expect(page.get_by_role("button", name="Flytta hörn")).to_have_attribute("aria-pressed", "true")
    first = await page.input_value("#corners")
    assert len(first.splitlines()) == 4
    await page.mouse.move(*(await _at(page, 400, 350)))
    await page.mouse.down()
    await page.mouse.move(*(await _at(page, 440, 390)), steps=5)
    await page.mouse.up()
    await expect(page.locator("#corners")).not_to_have_value(first)
    moved = await page.input_value("#corners")
    assert len(set(moved.splitlines()) & set(first.splitlines())) == 3
    # The other way round: what is written is drawn, and a hole is left to the list.
    await page.fill("#corners", f"{SQUARE}\nhål\n{SQUARE}")
    await expect(page.get_by_text("Ytan har hål eller många hörn")).to_be_visible()
    await page.fill("#corners", SQUARE)
    await expect(page.get_by_role("button", name="Rita ny")).to_be_visible()
    assert await violations(page) == []
    await page.fill("#name", "Ritad")
    await page.get_by_role("button", name="Spara i utkastet").click()
    await expect(page.locator("tbody th")).to_have_text("Ritad")
    await live(page)
    assert await violations(page) == []


async def _at(page: Page, x: int, y: int) -> tuple[float, float]:
    box = await page.locator(".live-map canvas").bounding_box()
    assert box is not None
    return box["x"] + x, box["y"] + y


async def test_two_at_once_and_the_later_one_overwrites_nothing(login: Login, town: Town) -> None:
    one = await login("analytiker", java_script_enabled=False, **DESKTOP)
    layer = await new_layer(one, town)
    other = await login("administrator", java_script_enabled=False, **DESKTOP)
    await other.goto(f"{town.url}/platser/{layer}/yta/~ny")
    await other.fill("#name", "Den andras")
    await other.fill("#corners", SQUARE)
    await add(one, "Den enas", SQUARE)
    await other.get_by_role("button", name="Spara i utkastet").click()
    await expect(other.get_by_role("alert")).to_contain_text("Någon annan har ändrat utkastet")
    assert await other.input_value("#name") == "Den andras"
    await other.get_by_role("button", name="Spara i utkastet").click()
    await expect(other.locator("tbody th")).to_have_text(["Den andras", "Den enas"])
    # Who has not seen it cannot make it hold, nor throw it away.
    await one.get_by_role("button", name="Gör gällande").click()
    await expect(one.get_by_role("status").first).to_contain_text("Någon annan har ändrat utkastet")
    await one.get_by_role("button", name="Kasta utkastet").click()
    await one.wait_for_url(re.compile("/platser$"))
    # A draft that is begun anew is another one than the one that was thrown away, also to an old page.
    await other.goto(f"{town.url}/platser/{layer}")
    await expect(other.get_by_role("heading", level=1)).to_have_text("Sidan finns inte. Adressen kan vara gammal.")


async def test_a_version_for_later_holds_later(login: Login, town: Town) -> None:
    page = await login("analytiker", java_script_enabled=False, **DESKTOP)
    layer = await new_layer(page, town)
    await add(page, "Framtidstorget", SQUARE)
    later = datetime.now(UTC).year + 1
    await page.fill("#fran", f"{later}-03-01")
    await page.get_by_role("button", name="Gör gällande").click()
    await expect(page.get_by_role("status").first).to_contain_text(f"gäller från 1 mars {later}")
    rows = await town.instance.sql(
        "select valid_from, credit from layer_versions where layer = $1", layer, kommun=town.tenant.kommun, room="geo"
    )
    assert [str(r["valid_from"]) for r in rows] == [f"{later}-03-01"]


async def test_only_those_who_draw_see_it_and_nobody_elses(login: Login, town: Town) -> None:
    page = await login("est_medlem", **DESKTOP)
    for path in ("/platser", "/platser/x", "/platser/x/yta/y"):
        answer = await page.goto(f"{town.url}{path}")
        assert answer is not None
        assert answer.status == 403, path
    page = await login("analytiker", **DESKTOP)
    for path in ("/platser/finns_inte", "/platser/finns_inte/yta/~ny"):
        answer = await page.goto(f"{town.url}{path}")
        assert answer is not None
        assert answer.status == 404, path
