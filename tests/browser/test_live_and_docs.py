"""The overview learns of new reports without moving what is read; the reference for developers stands alone."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import expect

from tests.browser.conftest import DESKTOP, Login, Town
from tests.browser.test_pages import violations
from tests.support.http import asking
from tests.support.instance import reports


async def test_the_reference_for_developers_stands_alone(login: Login, town: Town) -> None:
    page = await login("analytiker", **DESKTOP)
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    await page.goto(f"{town.url}/docs")
    await page.get_by_text("POST /v1/reports:batch").click()
    await expect(page.get_by_text("Hand in up to 10 000 reports")).to_be_visible()
    assert await violations(page) == []
    assert hosts == {town.url.split("/")[2]}
    for name in ("ingest", "asyncapi"):
        answer = await page.request.get(f"{town.url}/docs/{name}.json")
        assert answer.headers["content-type"] == "application/json"


async def come_in(town: Town, count: int, prefix: str) -> None:
    async with asking(town.url) as http:
        for report in reports(count, prefix):
            await town.tenant.send(http, report)


TOP = "part => part.getBoundingClientRect().top"


async def test_new_reports_are_told_and_shown_without_losing_the_place(login: Login, town: Town) -> None:
    month_ago = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%dT12:00:00Z")
    await town.tenant.load(reports(5, "earlier", time_from=month_ago))  # so that there is a trend, with its table
    await town.tenant.tally(len(town.tenant.ledger))
    page = await login("est_medlem", **DESKTOP)
    total = page.locator(".stat .big").first
    before = int((await total.inner_text()).replace("\xa0", ""))
    table = page.locator("#siffror details").last
    await table.locator("summary").click()
    await page.evaluate("window.scrollTo({ top: 400, behavior: 'instant' })")
    place = await table.evaluate(TOP)
    line = page.locator("#nytt")
    await expect(line).to_be_hidden()
    await come_in(town, 3, "live")
    await expect(line).to_contain_text("3 nya rapporter.", timeout=10_000)
    assert int((await total.inner_text()).replace("\xa0", "")) == before, "what is read does not change by itself"
    assert await table.evaluate(TOP) == place
    assert await violations(page) == []
    await line.get_by_role("button", name="Visa").focus()
    await page.keyboard.press("Enter")
    await expect(total).to_have_text(str(before + 3))
    await expect(line).to_be_hidden()
    assert await table.evaluate("part => part.open"), "what was unfolded stays so"
    assert abs(await table.evaluate(TOP) - place) < 60, "only what the new numbers need"
    await come_in(town, 1, "live-again")
    await expect(line).to_contain_text("1 ny rapport.", timeout=10_000)


async def test_the_list_of_areas_learns_of_new_reports_too(login: Login, town: Town) -> None:
    page = await login("est_medlem", **DESKTOP)
    await page.goto(f"{town.url}/omraden")
    line = page.locator("#nytt")
    await expect(line).to_be_hidden()
    await come_in(town, 2, "live-list")
    await expect(line).to_contain_text("2 nya rapporter.", timeout=10_000)
    await line.get_by_role("button", name="Visa").click()
    await expect(line).to_be_hidden()
    assert await violations(page) == []
