"""The administrator's pages in a real browser: people appointed, changed and erased, organisations, keys."""

from uuid import uuid4

from playwright.async_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Login, Town
from tests.browser.test_pages import violations
from tests.support.http import asking


async def add_person(page: Page, town: Town, name: str, *roles: str) -> None:
    await page.goto(f"{town.url}/administration")
    await page.get_by_role("link", name="Lägg till person").click()
    await page.fill("#namn", name)
    await page.fill("#epost", f"{uuid4().hex}@exempel.invalid")
    for role in ("rapportor", "analytiker", "est_medlem", "kontaktcenter", "registrator", "administrator"):
        await page.set_checked(f"#roll-{role}", role in roles)
    await page.get_by_role("button", name="Spara").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)


async def test_a_person_is_appointed_locked_out_and_erased_without_script(login: Login, town: Town) -> None:
    page = await login("administrator", java_script_enabled=False, **DESKTOP)
    name = f"Vera Prov{uuid4().hex[:6]}"
    await add_person(page, town, name, "rapportor", "est_medlem")
    row = page.locator("tbody tr").filter(has_text=name)
    await page.get_by_text("Nytt uppdrag").first.click()
    await page.fill("#ny-fran", "2026-02-01")
    await page.fill("#ny-till", "2026-01-01")
    await page.get_by_role("button", name="Nytt uppdrag").click()
    await expect(page.get_by_role("alert")).to_contain_text("slutar innan det börjar")
    await page.get_by_text("Från ").first.click()
    await page.fill("#u1-till", "2027-01-31")
    await page.check("#u1-utb")
    await page.get_by_role("button", name="Spara uppdraget").first.click()
    await expect(page.get_by_role("status")).to_contain_text("Uppdraget är sparat")
    await page.goto(f"{town.url}/administration")
    await expect(row).to_contain_text("Till och med 31 januari 2027")
    await expect(row).not_to_contain_text("inte utbildad")
    await page.get_by_role("link", name=name).click()
    await page.uncheck("#aktiv")
    await page.get_by_role("button", name="Spara", exact=True).click()
    await page.goto(f"{town.url}/administration")
    await expect(row).to_contain_text("Spärrad")
    await page.get_by_role("link", name=name).click()
    await page.check("#saker")
    await page.get_by_role("button", name="Radera").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Personer")
    await expect(row).to_have_count(0)


async def test_organisations_and_keys(login: Login, town: Town) -> None:
    page = await login("administrator", **DESKTOP)
    name = f"Provvakt {uuid4().hex[:6]}"
    await page.goto(f"{town.url}/administration/organisationer")
    for _ in range(2):
        await page.fill("#namn", name)
        await page.select_option("#slag", "security")
        await page.get_by_role("button", name="Lägg till organisation").click()
    await expect(page.get_by_role("alert")).to_contain_text("finns redan")
    await expect(page.get_by_text(name).first).to_be_visible()
    await page.goto(f"{town.url}/administration/nycklar")
    system = f"Väktarsystem {uuid4().hex[:6]}"
    for _ in range(3):
        await page.fill("#system", system)
        await page.select_option("#org", name)
        await page.get_by_role("button", name="Skapa nyckel").click()
    await expect(page.get_by_role("alert")).to_contain_text("har redan 2 nycklar")
    rows = page.locator("tbody tr").filter(has_text=system)
    await expect(rows).to_have_count(2)
    await rows.first.locator("summary").click()
    await rows.first.get_by_role("button", name="Ja, avsluta nyckeln").click()
    await expect(rows).to_have_count(1)
    await page.fill("#system", system)
    await page.select_option("#org", name)
    await page.check("#test")
    await page.get_by_role("button", name="Skapa nyckel").click()
    await expect(page.get_by_role("status")).to_contain_text("lb_")
    await expect(rows.filter(has_text="test")).to_have_count(1)


async def test_the_statement_of_accessibility_names_the_municipalitys_contact(login: Login, town: Town) -> None:
    page = await login("administrator", **DESKTOP)
    await page.goto(f"{town.url}/administration")
    await page.get_by_role("link", name="Tillgänglighet").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Nässjö")
    await page.fill("#k", "kontaktcenter@exempel.invalid")
    await page.get_by_role("button", name="Spara").click()
    await expect(page.get_by_text("berätta det för kontaktcenter@exempel.invalid")).to_be_visible()
    assert await violations(page) == []
    async with asking(town.url) as http:  # open to everybody
        for kommun, said in (("0682", "kontaktcenter@exempel.invalid"), ("9999", "berätta det för kommunen")):
            answer = await http.get("/tillganglighet", params={"kommun": kommun})
            assert (answer.status_code, said in answer.text) == (200, True)


async def test_the_pages_are_accessible_and_for_administrators_only(login: Login, town: Town) -> None:
    for size in (DESKTOP, PHONE):
        page = await login("administrator", **size)
        await add_person(page, town, f"Vera Prov{uuid4().hex[:6]}", "rapportor")
        for summary in await page.locator("details.step > summary").all():
            await summary.click()
        assert await violations(page) == []
        for path in ("", "/person/~ny", "/organisationer", "/nycklar"):
            await page.goto(f"{town.url}/administration{path}")
            assert await violations(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    other = await login("analytiker", **DESKTOP)
    answer = await other.goto(f"{town.url}/administration")
    assert answer is not None
    assert answer.status == 403
    await expect(other.get_by_role("heading", level=1)).to_contain_text("behörighet")
