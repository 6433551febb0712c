"""Cards, density and what is behind a number in a real browser: sound, by keyboard, on a phone."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import DESKTOP, PHONE, Login, Town
from tests.browser.test_pages import violations
from tests.browser.test_pictures import NARROW, _sound
from tests.support.instance import eventually, reports

PAGES = (
    "/omraden",
    "/omraden/regso/0682R007",
    "/typer/A",
    "/typer/A1",
    "/rapporter",
    "/tathet",
    "/tathet?type=E&weeks=4",
)


@pytest.mark.parametrize("shape", [DESKTOP, NARROW], ids=["desktop", "320 px"])
async def test_the_pages_are_sound(login: Login, town: Town, shape: dict[str, Any]) -> None:
    page = await login("analytiker", **shape)
    for path in PAGES:
        answer = await page.goto(town.url + path)
        assert answer is not None
        assert answer.status == 200, path
        await _sound(page, path)
    for path in ("/omraden/regso/9999R001", "/omraden/regso/0180R001", "/omraden/nej/x", "/typer/Q9", "/rapporter/x"):
        answer = await page.goto(town.url + path)
        assert answer is not None
        assert answer.status in {404, 422}, path


async def test_strange_addresses_are_answered(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    for path, status in {
        "/omraden?from=igår": 422,
        "/typer/A?to=9999-12-31": 422,
        "/typer/A?from=2000-01-01&to=2000-01-14": 200,
        "/typer/A?from=0001-01-01": 422,
        "/omraden/a%0Ab/x": 422,
        "/omraden/regso%3Fx=1/x": 422,
        "/rapporter?sida=999999999999999999999": 200,
        "/rapporter?sida=-3": 200,
        "/rapporter?plats=torget": 200,
        "/rapporter?veckodag=1&kl=0&from=2020-01-01&to=2026-01-01": 422,
        "/oversikt?layer=stadsdel": 200,
        "/tathet?weeks=9&type=Q": 200,
        "/lagesbilder/2001:01/mote?steg=x": 404,
    }.items():
        answer = await page.goto(town.url + path)
        assert answer is not None
        assert answer.status == status, path


async def test_a_number_opens_down_to_the_report(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    await page.goto(f"{town.url}/oversikt?from=2026-01-01&to=2026-12-31")
    await page.click("#siffror a[href^='/omraden/regso/']")
    total = await page.locator(".stat .big").first.inner_text()
    await expect(page.locator("#bak")).to_have_text(f"Bakom siffran: {total} rapporter")
    await page.click("#bak >> xpath=ancestor::section >> a[href^='/rapporter?']")
    await expect(page.locator("h1")).to_have_text(f"Bakom siffran: {total} rapporter")
    await page.click("tbody a >> nth=0")
    await expect(page.locator("#fakta")).to_be_visible()
    await _sound(page, "a report")


async def test_every_number_in_a_table_opens_the_reports_it_counts(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    await page.goto(f"{town.url}/omraden?from=2026-01-01&to=2026-12-31")
    area = await page.locator("a[href^='/omraden/regso/']").first.get_attribute("href")
    assert area is not None
    for path in ("/oversikt", "/omraden", area.split("?")[0], "/typer/A"):
        await page.goto(f"{town.url}{path}?from=2026-01-01&to=2026-12-31")
        links = page.locator("table:not(.heat) td.n a[href^='/rapporter?']")
        said = await links.evaluate_all("a => a.map(e => [e.textContent, e.getAttribute('href')])")
        assert len(said) > 2, path
        for number, address in said[:: max(1, len(said) // 4)]:
            answer = await page.request.get(town.url + address)
            assert f"Bakom siffran: {number} rapport" in await answer.text(), (path, address)


async def test_an_hour_of_the_week_opens_the_reports_that_may_have_happened_then(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    await page.goto(f"{town.url}/typer/A?from=2026-11-01&to=2026-12-31")
    hour = page.locator(".heat td a").first
    number = int(await hour.inner_text())
    await hour.click()
    heading = await page.locator("h1").inner_text()
    assert int(heading.removeprefix("Bakom siffran: ").split()[0]) >= number
    await expect(page.locator("main")).to_contain_text("alla som kan ha hänt då")
    await _sound(page, "an hour's reports")
    answer = await page.request.get(f"{town.url}/rapporter?veckodag=9&kl=x")
    assert answer.status == 200


async def test_a_page_prints_itself_and_says_when_an_answer_takes_its_time(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)

    async def slowly(route: Route) -> None:
        await asyncio.sleep(1.5)
        await route.continue_()

    await page.goto(f"{town.url}/typer/A")
    await expect(page.locator("[data-print]")).to_be_visible()
    await expect(page.locator("[data-busy]")).to_be_empty()
    await page.route("**/typer/A?*", slowly)
    # What is said meanwhile is kept: while a page is on its way nothing can be asked of it.
    await page.locator("[data-busy]").evaluate(
        """said => new MutationObserver(() => sessionStorage.setItem("said", said.textContent))
            .observe(said, { childList: true })"""
    )
    await page.click(".filterbar button")
    await page.wait_for_url("**/typer/A?*")
    assert await page.evaluate("sessionStorage.getItem('said')") == "Ett ögonblick …"
    await expect(page.locator("[data-busy]")).to_be_empty()


async def test_an_analyst_ends_a_state_on_its_page(login: Login, town: Town) -> None:
    reporter = await login("rapportor", **PHONE)
    token = next(c["value"] for c in await reporter.context.cookies() if c["name"] == "lb_token")
    lamp = reports(1, "lamp", event_type="E1", ongoing=True)[0]
    bearer = {"Authorization": f"Bearer {token}"}
    answer = await reporter.request.post(f"{town.url}/v1/reports", data=lamp, headers=bearer)
    assert answer.status == 201
    address = f"{town.url}/rapporter/{(await answer.json())['report_id']}"
    page = await login("analytiker", **DESKTOP)

    async def says(state: str) -> bool:
        await page.goto(address)
        facts = page.locator("section[aria-labelledby=fakta]")
        return bool(await facts.count()) and state in await facts.inner_text()

    await eventually(lambda: says("öppen"), "the report is known")
    await page.get_by_role("button", name="Avsluta: det är åtgärdat").click()
    await expect(page.locator(".banner")).to_contain_text("Avslutad.")
    await _sound(page, "a state that was ended")
    await eventually(lambda: says("åtgärdad"), "the number follows")
    assert await page.get_by_role("button", name="Avsluta").count() == 0


async def test_a_chosen_period_goes_along_to_other_cards(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    period = "from=2026-01-01&to=2026-12-31"
    for path in ("/omraden", "/typer/A"):
        await page.goto(f"{town.url}{path}?{period}")
        links = await page.locator("table a[href^='/omraden/regso/']").evaluate_all("a => a.map(e => e.search)")
        assert set(links) == {f"?{period}"}, path
    await page.goto(f"{town.url}/omraden")
    links = await page.locator("table a[href^='/omraden/regso/']").evaluate_all("a => a.map(e => e.search)")
    assert set(links) == {""}, "who has chosen none gets the newest everywhere"


async def test_a_selection_is_kept_and_found_again(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    await page.goto(f"{town.url}/typer/A?from=2026-01-01&to=2026-12-31")
    await page.click("text=Sparade urval")
    await page.fill("#urval-namn", "Skadegörelse i år")
    await page.click("text=Spara urvalet")
    await page.goto(f"{town.url}/oversikt")
    await page.click("text=Sparade urval")
    await _sound(page, "kept selections")
    await page.click("text=Skadegörelse i år")
    assert page.url.endswith("/typer/A?from=2026-01-01&to=2026-12-31")


async def test_who_reports_is_shown_per_organisation_to_who_writes(login: Login, town: Town) -> None:
    await town.person("rapportor")
    page = await login("analytiker", **DESKTOP)
    await page.goto(f"{town.url}/oversikt")
    await page.get_by_role("link", name="Vem som rapporterar").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Vem som rapporterar")

    async def appointed() -> bool:
        await page.reload()
        return bool(await page.get_by_role("row", name="Exempelbolaget").count())

    await eventually(appointed, "the appointment has reached the numbers")
    assert await violations(page) == []
    await page.select_option("#f-weeks", "26")
    await page.get_by_role("button", name="Visa").click()
    await expect(page.locator("#f-weeks")).to_have_value("26")
    weeks = page.get_by_role("group", name="Vecka för vecka").get_by_role("row")
    assert await weeks.count() >= 27, "half a year of weeks under the heading"
    late = page.get_by_role("group", name="Hur sent rapporterna kommer in").get_by_role("row", name="Fastighetsbolag")
    await expect(late).to_contain_text("samma dag")
    async with page.expect_download() as table:
        await page.get_by_role("region", name="Områden").get_by_role("link", name="CSV").click()
    header = (await (await table.value).path()).read_text(encoding="utf-8-sig").splitlines()[0]
    assert header == "area;appointed;active;zero_reports;last_day"
    await page.get_by_role("link", name="Nässjö centrum").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nässjö centrum")
    member = await login("est_medlem", **DESKTOP)
    answer = await member.goto(f"{town.url}/oversikt/rapporterande")
    assert answer is not None
    assert answer.status == 403
    for path, shown in (("/omraden/regso/0682R007", 0), ("/typer/A", 1)):
        await member.goto(town.url + path)
        assert await member.get_by_text("Aktiva rapportörer här").count() == shown, "of the whole, never of few"
    await member.goto(f"{town.url}/oversikt")
    assert await member.get_by_role("link", name="Vem som rapporterar").count() == 0
