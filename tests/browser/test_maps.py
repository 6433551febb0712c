"""The map that all pages share, in a real browser with WebGL: by mouse, by keys, on paper, without its base map."""

import asyncio
import json

from playwright.async_api import Page, Route, expect

from tests.browser.conftest import DESKTOP, PHONE, Login, Town, live


async def zoom(page: Page) -> float:
    """How far in the map is, by its scale: metres per pixel, the smaller the closer."""
    scale = page.locator(".maplibregl-ctrl-scale")
    number, unit = (await scale.inner_text()).split()
    box = await scale.bounding_box()
    assert box is not None
    return float(number) * {"m": 1, "km": 1000}[unit] / box["width"]


async def test_the_live_map_takes_the_drawn_one_s_place_and_gives_it_back_on_paper(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    await page.goto(f"{town.url}/oversikt")
    await live(page)
    drawn, canvas = page.locator(".drawn svg").first, page.locator(".live-map canvas")
    await expect(canvas).to_be_visible()
    await expect(drawn).to_be_hidden()
    await expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text("Källa: SCB")
    await page.emulate_media(media="print")
    await expect(drawn).to_be_visible()
    await expect(canvas).to_be_hidden()


async def test_the_map_works_by_keys_and_says_what_was_pressed(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    await page.goto(f"{town.url}/oversikt")
    await live(page)
    canvas = page.locator(".live-map canvas")
    assert await canvas.get_attribute("aria-label") == "Karta. Flytta med piltangenterna, zooma med plus och minus."
    before = await zoom(page)
    await canvas.focus()
    await page.keyboard.press("Equal")
    await asyncio.sleep(0.6)
    closer = await zoom(page)
    assert closer < before * 0.7
    await page.get_by_role("button", name="Tätorten").press("Enter")
    await asyncio.sleep(1.5)
    assert await zoom(page) < closer
    await live(page)
    await canvas.click()
    await expect(page.locator(".map-said")).to_contain_text(": ")
    await page.get_by_role("button", name="Hela kommunen").press("Enter")
    await asyncio.sleep(1.5)
    assert abs(await zoom(page) / before - 1) < 0.1


async def test_without_its_base_map_everything_else_works_and_the_page_says_so(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)

    async def with_base_map(route: Route) -> None:
        answer = await route.fetch()
        about = await answer.json()
        base = {"kind": "raster", "tiles": "/v1/basemap/{z}/{x}/{y}", "credit": "© Kartverket", "tile_size": 256}
        about["base_map"] = base | {"min_zoom": 0, "max_zoom": 18, "layers": []}
        await route.fulfill(response=answer, body=json.dumps(about))

    await page.route("**/v1/map", with_base_map)
    # 4xx stands for the server's 502, which the test's own watch over the console would take for a fault of ours.
    await page.route("**/v1/basemap/**", lambda route: route.fulfill(status=403))
    await page.goto(f"{town.url}/oversikt")
    await page.locator("[data-livemap]").scroll_into_view_if_needed()
    await expect(page.get_by_text("Bakgrundskarta saknas. Områden, siffror")).to_be_visible(timeout=20_000)
    await expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text("© Kartverket")
    await expect(page.locator("tfoot td").first).to_be_visible()
    switch = page.get_by_role("button", name="Bakgrundskarta")
    assert await switch.get_attribute("aria-pressed") == "true"
    await switch.click()
    await expect(page.get_by_text("Bakgrundskarta saknas. Områden, siffror")).to_be_hidden()
    assert await switch.get_attribute("aria-pressed") == "false"


async def test_while_geo_is_away_the_drawn_map_stands(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    await page.route("**/v1/map", lambda route: route.fulfill(status=404))
    await page.goto(f"{town.url}/oversikt")
    await asyncio.sleep(1.5)
    await expect(page.locator(".drawn svg").first).to_be_visible()
    await expect(page.locator(".live-map")).to_have_count(0)


async def test_new_numbers_come_without_the_map_being_moved(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    await page.goto(f"{town.url}/oversikt")
    await live(page)
    await page.get_by_role("button", name="Tätorten").click()
    await asyncio.sleep(1.5)
    before = await zoom(page)
    await page.evaluate("""() => {
        const line = document.querySelector('#nytt'); line.hidden = false; line.querySelector('button').click(); }""")
    await asyncio.sleep(2)
    await expect(page.locator(".live-map canvas")).to_have_count(1)
    await live(page)
    assert await zoom(page) == before


async def test_on_a_phone_one_finger_scrolls_the_page(login: Login, town: Town) -> None:
    page = await login("analytiker", **PHONE)
    await page.goto(f"{town.url}/oversikt")
    await live(page)
    await expect(page.locator(".maplibregl-canvas-container")).to_have_css("touch-action", "pan-x pan-y")
