"""Photos from the phone to the analyst, in a real browser: made small, kept without coverage, cleaned, covered."""

import os
import re
import time
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import CDPSession, Page, Route, expect

from tests.browser.conftest import DESKTOP, PHONE, Login, Town
from tests.browser.test_pages import choose, violations
from tests.browser.test_phone import attach, own, posts, ready, report, until_empty, waiting
from tests.support.http import asking
from tests.unit.ingest.test_pictures import photo

pytestmark = pytest.mark.without_coverage


def large() -> bytes:
    """A photo of some five megabytes, with position and time, as a phone's camera makes it."""
    noise = Image.frombytes("RGB", (3000, 2250), os.urandom(3000 * 2250 * 3)).resize((4000, 3000))
    about = Image.open(BytesIO(photo())).getexif()
    out = BytesIO()
    noise.save(out, "JPEG", quality=82, exif=about.tobytes())
    assert 4 * 2**20 < len(out.getvalue()) < 12 * 2**20
    return out.getvalue()


async def pictures(page: Page, town: Town) -> list[bytes]:
    """The photos of this person's own reports, as the server gives them."""
    cookies = {c["name"]: c["value"] for c in await page.context.cookies()}
    async with asking(town.url, cookies=cookies) as http:
        paths = set(re.findall(r"/v1/photos/[0-9a-f-]{36}", (await http.get("/mina-rapporter")).text))
        return [(await http.get(path)).content for path in sorted(paths)]


async def test_a_large_photo_waits_small_and_arrives_once_without_its_position(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    sent = posts(page)
    await page.context.set_offline(True)
    began = time.monotonic()
    await attach(page, large())
    await report(page)
    await expect(page.locator(".qcard")).to_contain_text("1 bild")
    assert time.monotonic() - began < 20, "it is made small while somebody waits"
    assert await violations(page) == []
    await page.reload()
    await expect(page.locator(".qcard")).to_contain_text("1 bild")
    (record,) = await waiting(page)
    assert 10_000 < record["photo"] < 1_500_000
    await page.goto(f"{town.url}/mina-rapporter")
    await page.context.set_offline(False)
    await until_empty(page)
    assert len([r for r in sent if not r.failure]) == 1
    assert len(await own(page, town)) == 1
    (arrived,) = await pictures(page, town)
    assert max(Image.open(BytesIO(arrived)).size) == 1600
    assert b"Exif" not in arrived


async def test_what_the_phone_cannot_read_is_said_and_the_report_goes_without(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await page.click("details#more summary")
    await page.set_input_files("#bild", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"})
    await expect(page.locator("[data-photo-said]")).to_contain_text("Bilden kan inte läsas här.")
    await report(page)
    await expect(page.get_by_role("alert")).to_contain_text("Bilden kan inte läsas här.")
    assert await waiting(page) == [], "it does not go without a word"
    await attach(page, photo())
    await page.get_by_role("button", name="Ta bort bilden").click()
    await expect(page.locator("[data-photo] canvas")).to_be_hidden()
    await report(page)
    await page.wait_for_url(re.compile("/mina-rapporter"))
    assert await pictures(page, town) == []


async def test_a_photo_that_the_server_refuses_can_be_left_out(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    await page.context.set_offline(True)
    await report(page)
    await expect(page.locator(".qcard")).to_have_count(1)
    await page.evaluate("""import('/static/queue.js').then(async q => { const [r] = await q.all();
        await q.keep({...r, photo: new TextEncoder().encode('not a photo at all').buffer}); })""")
    await page.goto(f"{town.url}/rapportera")
    await page.context.set_offline(False)
    card = page.locator(".qcard")
    await expect(card).to_contain_text("behöver åtgärd")
    await expect(card).to_contain_text("Bilden kan inte läsas.")
    await card.get_by_role("button", name="Ta bort bilden").click()
    await until_empty(page)
    assert len(await own(page, town)) == 1


async def test_when_the_phones_memory_is_full_the_report_is_kept_without_its_photo(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    await attach(page, large())
    cdp: CDPSession = await page.context.new_cdp_session(page)
    await cdp.send("Storage.clearDataForOrigin", {"origin": town.url, "storageTypes": "cache_storage"})
    usage = (await cdp.send("Storage.getUsageAndQuota", {"origin": town.url}))["usage"]
    await page.context.set_offline(True)
    await cdp.send("Storage.overrideQuotaForOrigin", {"origin": town.url, "quotaSize": usage + 150_000})
    await report(page)
    await expect(page.get_by_text("Telefonens minne är fullt. Rapporten sparas utan bild.")).to_be_visible()
    (record,) = await waiting(page)
    assert record["photo"] is None
    await cdp.send("Storage.overrideQuotaForOrigin", {"origin": town.url})
    await page.context.set_offline(False)
    await until_empty(page)
    assert len(await own(page, town)) == 1


async def test_the_page_is_replaced_while_reports_wait_and_none_is_lost(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    await page.context.set_offline(True)
    await attach(page, photo())
    await report(page)
    await expect(page.locator(".qcard")).to_have_count(1)

    async def hold(route: Route) -> None:
        await (route.abort() if route.request.method == "POST" else route.continue_())

    await page.context.route("**/rapportera", hold)
    await page.context.set_offline(False)
    await page.evaluate("navigator.serviceWorker.register('/sw.js?nyare')")  # as a new version of the page does
    look = "navigator.serviceWorker.controller.scriptURL.endsWith('nyare')"
    for _ in range(100):
        if await page.evaluate(look):
            break
        await page.wait_for_timeout(100)
    assert await page.evaluate(look), "the new version has taken over"
    await page.reload()
    (record,) = await waiting(page)
    assert record["photo"]
    await page.context.unroute("**/rapportera")
    await page.goto(f"{town.url}/mina-rapporter")
    await until_empty(page)
    assert len(await own(page, town)) == 1
    assert len(await pictures(page, town)) == 1


async def submissions(town: Town, reports: list[Any]) -> set[str]:
    query = "select distinct event->>'submission_id' as s, event->'place' as p from reports where report_id = any($1)"
    rows = await town.instance.sql(query, reports, kommun=town.tenant.kommun, room="ingest")
    assert len({str(r["p"]) for r in rows}) == 1, "at the same place"
    return {r["s"] for r in rows}


@pytest.mark.parametrize("script", [True, False])
async def test_several_things_at_one_place_are_reports_of_one_submission(
    login: Login, town: Town, script: bool
) -> None:
    page = await login("rapportor", **PHONE, java_script_enabled=script)
    if script:
        await expect(page.locator("[data-name]")).to_have_text("Nässjö centrum")
    else:
        await page.select_option("#area", index=3)
    await choose(page, "A", "A1")
    await page.get_by_role("button", name="Skicka och rapportera en till härifrån").click()
    await expect(page.get_by_role("status").first).to_contain_text("Sparad." if script else "Rapporten är framme.")
    await choose(page, "A", "A2")
    await page.click(".sendbar button")
    await page.wait_for_url(re.compile("/mina-rapporter"))
    if script:
        await until_empty(page)
    reports = re.findall(r'name="report_id" value="([^"]+)"', await page.content())
    assert len(reports) == 2
    assert len(await submissions(town, reports)) == 1


async def test_without_script_a_photo_goes_with_the_form(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE, java_script_enabled=False)
    await choose(page, "A", "A1")
    await page.select_option("#area", index=1)
    await page.click("details#more summary")
    await page.set_input_files("#bild", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    await page.click(".sendbar button")
    await page.wait_for_url(re.compile("/mina-rapporter"))
    (arrived,) = await pictures(page, town)
    assert b"Exif" not in arrived


async def dark(page: Page, town: Town, path: str) -> list[bool]:
    """Whether the picture is black at a quarter and at three quarters of its width, half way down."""
    cookies = {c["name"]: c["value"] for c in await page.context.cookies()}
    async with asking(town.url, cookies=cookies) as http:
        image = Image.open(BytesIO((await http.get(path)).content)).convert("RGB")
    pixels = [image.getpixel((image.width * q // 4, image.height // 2)) for q in (1, 3)]
    return [isinstance(p, tuple) and max(p) < 25 for p in pixels]


@pytest.mark.parametrize("way", ["taps", "keys", "drag"])
async def test_an_analyst_covers_by_taps_keys_or_dragging(login: Login, town: Town, way: str) -> None:
    phone = await login("rapportor", **PHONE)
    await attach(phone, photo())
    await report(phone)
    await phone.wait_for_url(re.compile("/mina-rapporter"))
    path = re.findall(r"/v1/photos/[0-9a-f-]{36}", await phone.content())[0]
    page = await login("analytiker", **(PHONE if way == "taps" else DESKTOP))
    await page.goto(f"{town.url}/granska/foton?foto={path.rsplit('/', 1)[1]}")
    picture = page.locator("[data-cover]")
    await expect(page.locator("[data-cover] img")).to_be_visible()
    area = await picture.bounding_box()
    assert area is not None
    left, top = area["x"] + area["width"] * 0.1, area["y"] + area["height"] * 0.3
    right, bottom = area["x"] + area["width"] * 0.4, area["y"] + area["height"] * 0.7
    if way == "taps":
        await page.touchscreen.tap(left, top)
        await page.touchscreen.tap(right, bottom)
    elif way == "drag":
        await page.mouse.move(left, top)
        await page.mouse.down()
        await page.mouse.move(right, bottom)
        await page.mouse.up()
    else:
        await page.locator("[data-add]").focus()
        await page.keyboard.press("Enter")
        for _ in range(25):
            await page.keyboard.press("ArrowLeft")
        await page.keyboard.press("Shift+ArrowRight")
    await expect(page.locator("[data-cover-said]")).to_have_text("1 ruta")
    assert await violations(page) == []
    await page.get_by_role("button", name="Täck rutorna för gott").click()
    await expect(page.get_by_role("status").first).to_contain_text("originalet är borttaget")
    assert await dark(page, town, path) == [True, False]


async def test_photos_are_passed_and_taken_away_without_script(login: Login, town: Town) -> None:
    phone = await login("rapportor", **PHONE)
    await attach(phone, photo())
    await report(phone)
    await phone.wait_for_url(re.compile("/mina-rapporter"))
    ident = re.findall(r"/v1/photos/([0-9a-f-]{36})", await phone.content())[0]
    page = await login("analytiker", **DESKTOP, java_script_enabled=False)
    await page.goto(f"{town.url}/granska/foton?foto={ident}")
    await page.get_by_role("button", name="Inget att täcka").click()
    await expect(page.get_by_role("status").first).to_contain_text("Fotot är granskat.")
    await page.goto(f"{town.url}/granska/foton?visa=sedda&foto={ident}")
    await page.get_by_text("Ta bort fotot").first.click()
    await page.get_by_role("button", name="Ja, ta bort fotot").click()
    await expect(page.get_by_role("status").first).to_contain_text("Fotot är borttaget.")
    assert await pictures(phone, town) == []
