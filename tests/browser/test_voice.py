"""The voice's pages in a real browser: an alert is taken, a rule is tried before it is saved, mails are turned off."""

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Login, Town
from tests.browser.test_pages import violations
from tests.support.http import asking
from tests.support.instance import eventually, reports


async def test_a_serious_report_is_an_alert_that_somebody_takes_and_answers(login: Login, town: Town) -> None:
    serious = reports(1, "voice", severity=4, event_type="A3")
    await town.tenant.load(serious)
    page = await login("est_medlem", **PHONE)

    async def shown() -> bool:
        await page.goto(f"{town.url}/larm")
        return bool(await page.get_by_role("link", name=re.compile("Brand, anlagd brand")).count())

    await eventually(shown, "the alert is on the page")
    await page.get_by_role("link", name=re.compile("Brand, anlagd brand")).first.click()
    await expect(page.get_by_text("ingen har den")).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("button", name="Jag tar den").click()
    await expect(page.get_by_text("du har den")).to_be_visible()
    await page.get_by_role("button", name="Ja", exact=True).click()
    await expect(page.get_by_text("Du svarade ja.")).to_be_visible()
    await page.get_by_role("button", name="Tysta till mötet").click()
    await expect(page.get_by_role("status")).to_contain_text("Tystat till mötet.")
    await page.get_by_role("button", name="Avbryt tystnaden").click()
    await expect(page.get_by_role("status")).to_contain_text("Tystnaden är avbruten.")
    await expect(page.get_by_role("button", name="Tysta till mötet")).to_be_visible()
    assert await violations(page) == []
    other = await login("analytiker", **DESKTOP)
    await other.goto(page.url.partition("?")[0])
    await expect(other.get_by_text("någon har den")).to_be_visible()
    await other.get_by_role("button", name="Ta över den").click()
    await expect(other.get_by_text("du har den")).to_be_visible()
    await other.get_by_role("button", name="Klart, avsluta larmet").click()
    await expect(other.get_by_role("status")).to_contain_text("Larmet är avslutat.")
    await expect(other.get_by_text("över", exact=True)).to_be_visible()
    await expect(other.get_by_role("button", name="Släpp den")).to_have_count(0)
    await other.goto(f"{town.url}/utskick/leveranser")
    await expect(other.get_by_role("link", name=re.compile("Brand")).first).to_be_visible()


async def _removed(page: Page) -> None:
    """Away with the rule whose form is open: asked for once more, since nothing brings it back."""
    await page.get_by_text("Ta bort regeln", exact=True).click()
    await page.get_by_role("button", name="Ja, ta bort regeln").click()


async def test_a_rule_is_tried_with_an_example_before_it_is_saved(login: Login, town: Town) -> None:
    page = await login("administrator", **DESKTOP)

    async def known() -> bool:
        await page.goto(f"{town.url}/utskick/regler?regel=ny")
        await page.fill("#f-label", "Alla")
        await page.select_option("#f-to", ["role:administrator"])
        await page.check('input[name="kinds"][value="report/opened"]')
        await page.get_by_role("button", name="Visa vem som skulle få det").click()
        return bool(await page.locator("#svar").get_by_role("row").filter(has_text="Alla").count())

    await eventually(known, "the new administrator is known to the voice")
    await page.goto(f"{town.url}/utskick/regler")
    await page.get_by_role("button", name="Visa vem som får det").click()
    await expect(page.get_by_role("heading", name="De här får veta")).to_be_visible()
    await page.get_by_role("link", name="Ny regel").click()
    await page.fill("#f-label", "Trafik till administratörer")
    await page.check('input[name="kinds"][value="report/opened"]')
    await page.select_option("#f-types", ["D"])
    await page.select_option("#f-to", ["role:administrator"])
    await page.select_option("#e-type", "D1")
    await page.get_by_role("button", name="Visa vem som skulle få det").click()
    await expect(page.get_by_role("heading", name="De här skulle få veta")).to_be_visible()
    await expect(page.locator("#svar")).to_contain_text("Trafik till administratörer")
    assert await violations(page) == []
    assert await page.get_by_role("row", name=re.compile("Trafik till administratörer.*trafik")).count() == 0
    await page.select_option("#e-type", "A1")
    await page.get_by_role("button", name="Visa vem som skulle få det").click()
    await expect(page.locator("#svar")).to_contain_text(
        "Regeln Trafik till administratörer gäller inte det här exemplet"
    )
    await page.fill("#f-answer", "30")
    await page.get_by_role("button", name="Spara regeln").click()
    await expect(page.get_by_role("alert")).to_contain_text("Välj vem den går vidare till")
    await page.fill("#f-answer", "")
    await page.context.clear_cookies(name="lb_token")  # the form was open for longer than a token lives
    await page.get_by_role("button", name="Spara regeln").click()
    await expect(page.get_by_role("status").first).to_contain_text("Regeln gäller från nu.")
    await expect(page.locator("#sagt")).to_be_focused()
    rules = page.locator("#regler").locator("../..").get_by_role("rowheader")
    assert (await rules.all_inner_texts())[0] == "Trafik till administratörer"
    await page.get_by_role("button", name=re.compile(r"Senare\s*: Trafik till administratörer")).click()
    await expect(page.get_by_role("status").first).to_contain_text("i den här ordningen")
    assert (await rules.all_inner_texts())[1] == "Trafik till administratörer"
    assert await violations(page) == []
    await page.get_by_role("link", name=re.compile(r"Ändra\s*: Trafik till administratörer")).click()
    await _removed(page)
    await expect(page.get_by_role("status").first).to_contain_text("Regeln är borttagen.")
    assert await page.get_by_role("link", name=re.compile(r"Ändra\s*: Trafik till administratörer")).count() == 0
    await page.fill("#t-cap", "0")
    await page.get_by_role("button", name="Spara tiderna").click()
    await expect(page.get_by_role("alert")).to_contain_text("timmar före mötet är 0 till 96")


async def test_a_group_is_made_named_by_a_rule_and_kept_while_it_is(login: Login, town: Town) -> None:
    page = await login("administrator", **DESKTOP)
    await page.goto(f"{town.url}/utskick/regler")
    await page.fill("#g-name", "Vardar Öst")
    await page.get_by_role("button", name="Spara gruppen").click()
    await expect(page.get_by_role("alert")).to_contain_text("minst en person")
    await page.goto(f"{town.url}/utskick/regler")
    someone = await page.locator("#g-people option").first.get_attribute("value")
    await page.fill("#g-name", "Vardar Öst")
    await page.select_option("#g-people", [str(someone)])
    await page.get_by_role("button", name="Spara gruppen").click()
    await expect(page.get_by_role("link", name=re.compile(r"Ändra\s*: vardar-öst"))).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("link", name="Ny regel").click()
    await page.fill("#f-label", "Till vardar")
    await page.check('input[name="kinds"][value="silent_source/closed"]')
    await page.select_option("#f-to", ["group:vardar-öst"])
    await page.get_by_role("button", name="Spara regeln").click()
    await page.get_by_role("link", name=re.compile(r"Ändra\s*: vardar-öst")).click()
    await page.locator("#grupper").locator("..").get_by_role("button", name="Ta bort").click()
    await expect(page.get_by_role("alert")).to_contain_text("används av en regel")
    await page.goto(f"{town.url}/utskick/regler")
    await page.get_by_role("link", name=re.compile(r"Ändra\s*: Till vardar")).click()
    await _removed(page)
    await page.get_by_role("link", name=re.compile(r"Ändra\s*: vardar-öst")).click()
    await page.locator("#grupper").locator("..").get_by_role("button", name="Ta bort").click()
    await expect(page.get_by_text("Ingen grupp finns än.")).to_be_visible()
    await page.get_by_text("Skicka kallelse", exact=True).click()
    await page.get_by_role("button", name="Ja, skicka kallelsen").click()
    await expect(page.get_by_role("status").first).to_contain_text("Kallelsen är på väg.")
    await expect(page.locator("#sagt")).to_be_focused()


async def test_a_department_is_given_an_extract_of_the_agenda(login: Login, town: Town) -> None:
    page = await login("administrator", **DESKTOP)
    await page.goto(f"{town.url}/utskick/utdrag")
    await page.select_option("#u-org", label="Exempelbolaget")
    await page.select_option("#u-types", ["A", "B1"])
    await page.get_by_role("button", name="Spara utdraget").click()
    await expect(page.get_by_role("status").first).to_contain_text("Sparat")
    await expect(page.get_by_role("row", name=re.compile("Exempelbolaget"))).to_contain_text("allt")
    assert await violations(page) == []
    await page.get_by_role("link", name=re.compile(r"Ändra\s*: Exempelbolaget")).click()
    assert await page.locator("#u-types option:checked").count() == 2
    await page.get_by_role("button", name="Låt dem få hela dagordningen").click()
    await expect(page.get_by_text("Alla får hela dagordningen.")).to_be_visible()


async def test_choosing_how_to_be_told_and_a_place_outside_that_is_inside(login: Login, town: Town) -> None:
    page = await login("administrator", **DESKTOP)
    await page.goto(f"{town.url}/utskick")
    for _ in range(2):  # following the same twice is following it once
        await page.get_by_role("button", name="Följ", exact=True).click()
    assert await page.get_by_role("button", name=re.compile("Sluta följa")).count() == 1
    await page.fill("#begins", "22:00")
    await page.select_option("#language", "en")
    await page.locator("#hur").locator("..").get_by_role("button", name="Spara").click()
    await expect(page.get_by_role("alert")).to_contain_text("Fyll i både från och till")
    assert [await page.input_value(f) for f in ("#begins", "#language")] == ["22:00", "en"], "nothing typed is lost"
    await page.fill("#ends", "06:00")
    await page.get_by_label("Skicka inget annat än brådskande larm").check()
    await page.locator("#hur").locator("..").get_by_role("button", name="Spara").click()
    await expect(page.get_by_role("status").first).to_contain_text("Sparat")
    assert await page.input_value("#begins") == "22:00"
    assert await page.input_value("#language") == "en"
    await page.get_by_role("button", name=re.compile("Sluta följa")).click()
    await page.get_by_label("Skicka inget annat än brådskande larm").uncheck()
    await page.locator("#hur").locator("..").get_by_role("button", name="Spara").click()
    await page.goto(f"{town.url}/utskick/kanaler")
    await page.fill("#label", "Inåt")
    await page.select_option("#kind", "ntfy")
    await page.fill("#url", "https://127.0.0.1/hook")
    await page.get_by_role("button", name="Lägg till").click()
    await expect(page.get_by_role("alert")).to_contain_text("går inte att använda")
    kept = [await page.input_value(f) for f in ("#label", "#kind", "#url")]
    assert kept == ["Inåt", "ntfy", "https://127.0.0.1/hook"]
    assert await violations(page) == []


async def test_the_way_out_of_a_mail_asks_first_and_an_old_one_says_so(town: Town) -> None:
    async with asking(town.url) as http:
        looked = await http.get("/utskick/av", params={"t": "x"})
        assert looked.status_code == 200
        assert "Inget händer förrän du trycker" in looked.text
        assert (await http.post("/utskick/av", params={"t": "x"})).status_code == 410
