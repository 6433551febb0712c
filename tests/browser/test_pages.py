"""The pages in a real Chromium: phone and desktop, with and without JavaScript, by keyboard, without complaints."""

import re
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Login, Town, live
from tests.support.instance import eventually

AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


TOO_WIDE = """(() => {
  const page = document.documentElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const right = (e) => e.getBoundingClientRect().right;
  const over = [...document.querySelectorAll("body *")].filter((e) => right(e) > page.clientWidth + 0.5);
  return over.slice(0, 6).map((e) => `${e.tagName}.${e.className} ${right(e)}`);
})()"""
"""What makes the page scroll sideways."""


async def violations(page: Page) -> list[str]:
    found = await Axe().run(page, options=AXE)
    return [f"{v['id']}: {[n['target'] for n in v['nodes']][:3]}" for v in found.response["violations"]]


async def choose(page: Page, group: str, kind: str) -> None:
    await page.click(f'label.tile:has(input[name="l1"][value="{group}"])')
    await page.click(f'label.tile.sub:has(input[value="{kind}"])')


async def test_from_a_phone_to_the_map_and_a_mail(login: Login, town: Town) -> None:
    phone = await login("rapportor", **PHONE)
    assert phone.url == f"{town.url}/rapportera"
    await choose(phone, "A", "A3")
    await expect(phone.locator("[data-name]")).to_have_text("Nässjö centrum")
    await expect(phone.locator("[data-summary]")).to_have_text("Brand, anlagd brand · Nyss · Nässjö centrum")
    await phone.click("#rapport button[type=submit]")
    await phone.wait_for_url(re.compile("/mina-rapporter"))
    await expect(phone.get_by_role("status")).to_contain_text("Rapporten är framme. Nummer ")

    async def counted() -> bool:
        await phone.reload()
        return await phone.get_by_text("Med i översikten för Nässjö centrum.").count() == 1

    await eventually(counted, "the report's fate on the phone")
    desk = await login("est_medlem", **DESKTOP)
    assert desk.url == f"{town.url}/oversikt"
    await expect(desk.locator("table").filter(has_text="Brand, anlagd brand")).to_be_visible()
    await expect(desk.locator(".map svg").first).to_be_visible()
    assert await desk.locator(".map .areas path").count() > 13

    async def mailed() -> bool:
        await desk.goto(f"{town.url}/utkorg")
        return await desk.get_by_role("link", name="Brand, anlagd brand i Nässjö centrum").count() >= 1

    await eventually(mailed, "the mail in the outbox viewer")
    await desk.get_by_role("link", name="Brand, anlagd brand i Nässjö centrum").first.click()
    await expect(desk.frame_locator("iframe").get_by_role("heading")).to_have_text(
        "Brand, anlagd brand i Nässjö centrum"
    )


async def test_the_form_works_without_javascript(login: Login, town: Town) -> None:
    page = await login("rapportor", java_script_enabled=False, viewport=PHONE["viewport"])
    await expect(page.locator("[data-position]").first).to_be_hidden()
    await expect(page.locator('.kinds[data-group="E"]')).to_be_hidden()
    await choose(page, "E", "E1")
    await page.click('.seg label:has(input[value="between"])')
    await page.fill("#from", "2026-11-20T18:00")
    await page.fill("#to", "2026-11-23T07:00")
    await page.select_option("#area", label="Handskeryd")
    await page.click("#rapport button[type=submit]")
    await expect(page.get_by_role("status")).to_contain_text("Rapporten är framme")
    card = page.locator("article").first
    await expect(card).to_contain_text("Bristande belysning")
    await expect(card).to_contain_text(re.compile(r"20.nov kl\..18\.00–23.nov kl\..07\.00"))


async def test_a_form_with_faults_keeps_what_was_written_and_says_what_to_do(login: Login) -> None:
    page = await login("rapportor", java_script_enabled=False, viewport=PHONE["viewport"])
    await choose(page, "A", "A1")
    await page.click("details#more summary")
    await page.fill("#text", "Bakom scenen")
    await page.click("#rapport button[type=submit]")
    await expect(page.get_by_role("alert")).to_contain_text("Ange var: position, område eller adress.")
    assert await page.input_value("#text") == "Bakom scenen"
    assert await page.is_checked('input[value="A1"]')
    assert await violations_without_script(page) == []
    await page.fill("#text", "Ring 070-123 45 67")
    await page.fill("#address", "Norra torget")
    await page.click("#rapport button[type=submit]")
    await expect(page.get_by_role("alert")).to_contain_text("telefonnummer")
    assert await page.input_value("#address") == "Norra torget"


async def violations_without_script(page: Page) -> list[str]:
    """axe needs scripts: here only what can be read from the page itself, labels on every field."""
    fields = await page.locator("input:not([type=hidden]), select, textarea").all()
    return [str(await f.get_attribute("name")) for f in fields if not await f.evaluate("e => e.labels.length")]


async def test_a_zero_report_is_one_tap_and_a_withdrawal_another(login: Login) -> None:
    page = await login("rapportor", **PHONE)
    await page.get_by_role("button", name="Lugnt – inget att rapportera").click()
    await page.wait_for_url(re.compile("/mina-rapporter"))
    await expect(page.get_by_role("status")).to_contain_text("Du är räknad som aktiv den här perioden.")
    await page.get_by_role("link", name="Ny rapport").click()
    await choose(page, "D", "D2")
    await page.click("#rapport button[type=submit]")
    await page.get_by_role("button", name=re.compile("Dra tillbaka A-traktor")).first.click()
    await expect(page.get_by_role("status")).to_contain_text("tillbakadragen")


PAGES = [
    ("rapportor", "/rapportera"),
    ("rapportor", "/mina-rapporter"),
    ("rapportor", "/oversikt"),
    ("analytiker", "/oversikt"),
    ("analytiker", "/oversikt?from=2026-11-19&to=2026-11-01"),
    ("analytiker", "/lagesbilder"),
    ("analytiker", "/signaler"),
    ("analytiker", "/granska"),
    ("analytiker", "/platser"),
    ("analytiker", "/omvarld"),
    ("est_medlem", "/utskick"),
    ("est_medlem", "/larm"),
    ("rapportor", "/utskick/aterkoppling"),
    ("analytiker", "/utskick/leveranser"),
    ("analytiker", "/utskick/regler"),
    ("analytiker", "/utskick/kanaler"),
    ("administrator", "/utskick/regler?regel=allvarlig"),
    ("administrator", "/utskick/kanaler"),
    ("administrator", "/utkorg"),
    ("administrator", "/administration"),
    ("administrator", "/administration/regler"),
    ("administrator", "/laslogg"),
    ("administrator", "/finns-inte"),
]
NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark", "reduced_motion": "reduce"}
"""The narrowest screen; as wide as 640 at 200 %."""


@pytest.mark.parametrize("screen", [PHONE, DESKTOP, NARROW], ids=["phone", "desktop", "narrow, dark, still"])
async def test_every_page_has_no_axe_violations_and_does_not_scroll_sideways(
    login: Login, town: Town, screen: dict[str, Any]
) -> None:
    pages: dict[str, Page] = {}
    for role, path in PAGES:
        page = pages.get(role) or await login(role, **screen)
        pages[role] = page
        await page.goto(town.url + path)
        if await page.locator("[data-livemap]:visible").count():
            await live(page)
        assert await violations(page) == [], path
        assert await page.locator("h1").count() == 1, path
        assert await page.evaluate(TOO_WIDE) == [], path


async def test_a_report_by_keyboard_alone(login: Login) -> None:
    page = await login("rapportor", **(PHONE | {"is_mobile": False, "has_touch": False}))
    await expect(page.locator("[data-name]")).to_have_text("Nässjö centrum")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Hoppa till innehållet")).to_be_focused()
    await page.locator('input[name="l1"]').first.focus()
    await page.keyboard.press("Space")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/mina-rapporter"))


async def test_filters_are_kept_in_the_address(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    await page.goto(f"{town.url}/oversikt")
    everything = await page.locator("tfoot td").first.inner_text()
    await page.select_option("#f-type", label="Skadegörelse")
    await page.get_by_role("button", name="Visa").click()
    await page.wait_for_url(re.compile("type=A"))
    assert int(await page.locator("tfoot td").first.inner_text()) < int(everything)
    assert await page.input_value("#f-type") == "A"
    href = await page.get_by_role("link", name="CSV").get_attribute("href")
    assert href is not None
    assert "type=A" in href


async def test_following_and_stopping(login: Login) -> None:
    page = await login("analytiker", **DESKTOP)
    await page.get_by_role("link", name="Mina utskick").first.click()
    await page.select_option("#type", label="Trafik och fordon")
    await page.select_option("#severity", "2")
    await page.get_by_role("button", name="Följ", exact=True).click()
    await expect(page.get_by_role("status").first).to_contain_text("trafik och fordon i hela kommunen, minst allvar 2")
    await page.get_by_role("button", name=re.compile("Sluta följa")).last.click()
    await expect(page.get_by_role("status").first).to_contain_text("Du följer inte längre det.")


async def test_signing_out_ends_the_session(login: Login, town: Town) -> None:
    page = await login("est_medlem", **DESKTOP)
    await page.get_by_role("button", name="Logga ut").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Logga in")
    await page.goto(f"{town.url}/oversikt")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Logga in")


async def test_a_form_from_another_site_is_refused(login: Login, town: Town) -> None:
    page = await login("rapportor", **DESKTOP)
    answer = await page.request.post(
        f"{town.url}/rapportera",
        form={"zero": "1"},
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://ond.se"},
    )
    assert answer.status == 403
