"""The operativ lägesbild in a real browser: an analyst assesses and adopts it, a colleague is not overwritten."""

from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser.conftest import DESKTOP, Login, Town

WALL: dict[str, Any] = {"viewport": {"width": 1920, "height": 1080}}
NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 800}}


async def _sound(page: Page, where: str) -> None:
    found = await Axe().run(page)
    assert found.violations_count == 0, f"{where}: {found.generate_report()}"
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{where} scrolls sideways by {wide}"


async def test_an_analyst_writes_hides_and_adopts(login: Login, town: Town, drafts: list[str]) -> None:
    one = await login("analytiker", **DESKTOP)
    await one.goto(f"{town.url}/lagesbilder")
    await _sound(one, "the list")
    await one.click(f"text={drafts[0]}")
    await expect(one.locator("h1")).to_have_text(f"Operativ lägesbild {drafts[0]}")
    await expect(one.locator("article.finding").first).to_contain_text("säkerställd")
    await _sound(one, "a draft")

    other = await login("analytiker", **DESKTOP)
    await other.goto(f"{town.url}/lagesbilder/{drafts[0]}")

    await one.fill("#text", "Klottret i centrum är tydligast.")
    await expect(one.locator("[data-saved]")).to_contain_text("Sparat")
    await other.fill("#text", "Något annat.")
    await expect(other.locator("[data-saved]")).to_contain_text("Någon annan har skrivit")
    await other.click("#bedomning button")
    await expect(other.locator("[role=alert]")).to_contain_text("Klottret i centrum är tydligast.")
    assert await other.input_value("#text") == "Något annat.", "what I wrote is not lost"

    before = await one.locator("article.finding").count()
    await one.locator("article.finding summary").first.click()
    await one.locator("article.finding input").first.fill("Känt sedan förut")
    await expect(one.locator('[name="seen"]').first).to_have_value("2")
    await one.reload()
    assert await one.locator("article.finding").count() == before - 1
    await expect(one.locator("#fynd ~ .small, .row .small").first).to_contain_text("1 dolda")

    await one.check("#c1")
    await one.check("#c2")
    await one.click("text=Fastställ lägesbilden")
    await expect(one.locator(".seal")).to_contain_text("sha256")
    await expect(one.locator("main")).to_contain_text("Klottret i centrum är tydligast.")
    assert await one.locator("textarea").count() == 0
    await _sound(one, "an adopted picture")
    for name, start in (("lagesbild.pdf", b"%PDF-1.7"), ("lagesbild.xlsx", b"PK")):
        answer = await one.context.request.get(f"{town.url}/lagesbilder/{drafts[0]}/{name}")
        assert answer.status == 200
        assert (await answer.body()).startswith(start)


async def test_est_members_see_what_is_adopted_and_no_drafts(login: Login, town: Town, drafts: list[str]) -> None:
    member = await login("est_medlem", **NARROW)
    await member.goto(f"{town.url}/lagesbilder")
    await expect(member.locator("table")).not_to_contain_text(drafts[1])
    for path, status in ((f"/lagesbilder/{drafts[1]}", 404), ("/lagesbilder/2032:99", 404), ("/lagesbilder/x", 404)):
        answer = await member.goto(f"{town.url}{path}")
        assert answer is not None
        assert answer.status == status
    await member.goto(f"{town.url}/lagesbilder/{drafts[0]}")
    await _sound(member, "an adopted picture on a narrow phone")
    await member.click("a[href$='/rattelser']")
    await expect(member.locator("h1")).to_contain_text("i dag")
    await _sound(member, "what it would say today")


async def test_the_form_works_without_script_and_a_reporter_is_kept_out(
    login: Login, town: Town, drafts: list[str]
) -> None:
    plain = await login("analytiker", java_script_enabled=False)
    await plain.goto(f"{town.url}/lagesbilder/{drafts[1]}")
    await plain.fill("#text", "Utan skript.")
    await plain.click("#bedomning button")
    assert await plain.input_value("#text") == "Utan skript."
    await plain.fill("#lokal", "Berör oss inte.")
    await plain.click("#bedomning button")
    assert await plain.input_value("#lokal") == "Berör oss inte."
    await plain.click("text=Räkna om utkastet")
    assert await plain.input_value("#text") == "Utan skript."
    await plain.fill("#text", "Det sista ordet.")
    await plain.check("#c1")
    await plain.check("#c2")
    await plain.click("text=Fastställ lägesbilden")
    await expect(plain.locator("main")).to_contain_text("Det sista ordet.")
    assert await plain.locator(".seal").count() == 1, "what stood in the box was adopted, saved or not"
    reporter = await login("rapportor")
    answer = await reporter.goto(f"{town.url}/lagesbilder")
    assert answer is not None
    assert answer.status == 403


async def test_when_periods_end_is_the_municipalitys_own(login: Login, town: Town, drafts: list[str]) -> None:
    page = await login("administrator", **NARROW)
    await page.goto(f"{town.url}/lagesbilder")
    await _sound(page, "the list on a narrow phone")
    await page.select_option("#r-days", "7")
    await page.select_option("#r-day", "0")
    await page.fill("#r-hour", "8")
    await page.click("#regel ~ form button")
    await expect(page.locator("main")).to_contain_text("måndag")
    await expect(page.locator("main")).to_contain_text("08.00")
    await page.evaluate("document.querySelector('#r-hour').removeAttribute('max')")
    await page.fill("#r-hour", "31")
    await page.click("#regel ~ form button")
    await expect(page.locator("[role=alert]")).to_contain_text("Välj 7 eller 14 dagar")


async def test_the_meeting_goes_by_keys_one_thing_per_screen(login: Login, town: Town, drafts: list[str]) -> None:
    page = await login("analytiker", **WALL)
    await page.goto(f"{town.url}/lagesbilder/{drafts[1]}/mote")
    seen = []
    for _ in range(20):
        await _sound(page, page.url)
        tall = await page.evaluate("document.documentElement.scrollHeight - innerHeight")
        assert tall <= 0, f"{page.url} scrolls by {tall}"
        seen.append(await page.locator(".agenda [aria-current]").inner_text())
        if not await page.locator("[data-key^=ArrowRight]").count():
            break
        async with page.expect_navigation():
            await page.keyboard.press("ArrowRight")
    assert list(dict.fromkeys(s[0] for s in seen)) == list("123456"), "the agenda in its order"
    async with page.expect_navigation():
        await page.keyboard.press("ArrowLeft")
    await expect(page.locator(".agenda [aria-current]")).to_have_text("5 På gång")
    async with page.expect_navigation():
        await page.keyboard.press("End")
    await expect(page.locator(".agenda [aria-current]")).to_have_text("6 Bedömning")
    async with page.expect_navigation():
        await page.keyboard.press("Escape")
    assert page.url.endswith(f"/lagesbilder/{drafts[1]}")
    await page.click("text=Jämför perioder")
    await expect(page.locator("h1")).to_have_text(f"{drafts[1]} jämförd med {drafts[0]}")
    await _sound(page, "compared")
    phone = await login("est_medlem", **NARROW)
    await phone.goto(f"{town.url}/lagesbilder")
    await phone.click("main table a")
    await phone.click("text=Mötesläge")
    await _sound(phone, "the meeting screen on a phone")
