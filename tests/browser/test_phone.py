"""The reporter's phone without coverage: what is handed in is kept, sent once, and counted once."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Error, Page, Request, Route, expect

from services.ingest import guard
from tests.browser.conftest import PHONE, Login, Town, live
from tests.browser.test_pages import choose, violations
from tests.support.instance import eventually
from tests.unit.ingest.test_pictures import photo

pytestmark = pytest.mark.without_coverage


def posts(page: Page) -> list[Request]:
    """Every report that the page tries to send, as it goes on."""
    found: list[Request] = []
    page.context.on(
        "request", lambda r: found.append(r) if r.method == "POST" and r.url.endswith("/rapportera") else None
    )
    return found


async def ready(page: Page) -> None:
    """The phone has the pages: the service worker answers, and the page has been seen."""
    await page.evaluate("navigator.serviceWorker.ready")
    await page.reload()
    await page.wait_for_function("navigator.serviceWorker.controller !== null")
    await page.reload()
    await expect(page.locator("[data-name]")).not_to_be_empty()


async def report(page: Page, group: str = "A", kind: str = "A1") -> None:
    await choose(page, group, kind)
    await page.click("#rapport button[type=submit]")


async def attach(page: Page, raw: bytes) -> None:
    """Take a photo, and wait until the phone has made it small."""
    if not await page.locator("#bild").is_visible():
        await page.click("details#more summary")
    await page.set_input_files("#bild", {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": raw})
    await expect(page.locator("[data-photo-said]")).to_have_text("Bilden följer med.")


async def waiting(page: Page) -> list[dict[str, Any]]:
    """What lies in the phone."""
    look = "q => q.all().then(all => all.map(r => ({...r, photo: r.photo && r.photo.byteLength})))"
    return list(await page.evaluate(f"import('/static/queue.js').then({look})"))


async def own(page: Page, town: Town) -> list[Any]:
    """This person's reports on the server, by what the phone called them."""
    person = await page.evaluate("fetch('/mina-rapporter').then(a => a.text())")
    return re.findall(r'name="report_id" value="([^"]+)"', person)


async def signed_in_as(page: Page, cookies: list[Any]) -> None:
    """The browser becomes another's, or the same person's again."""
    await page.context.add_cookies([{k: v for k, v in c.items() if k != "partitionKey"} for c in cookies])  # type: ignore[misc]


async def until_empty(page: Page) -> None:
    async def empty() -> bool:
        try:
            return await waiting(page) == []
        except Error:  # on its way to the receipt: ask the next page
            return False

    await eventually(empty, "nothing waits on the phone")


async def test_without_coverage_the_page_opens_and_the_report_waits_and_arrives_once(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    sent = posts(page)
    await page.context.set_offline(True)
    await page.reload()
    await expect(page.get_by_text("Ingen täckning just nu.")).to_be_visible()
    await report(page)
    await expect(page.get_by_text("Sparad i telefonen. Den skickas när du får nät.")).to_be_visible()
    card = page.locator(".qcard")
    await expect(card).to_have_count(1)
    await expect(card).to_contain_text("Klotter")
    await expect(card).to_contain_text("väntar på nät")
    assert await violations(page) == []
    await page.reload()
    await expect(card).to_have_count(1)
    # The page that was kept is opened again and again: every report is one of its own.
    await report(page, "A", "A2")
    await expect(card).to_have_count(2)
    await page.goto(f"{town.url}/mina-rapporter")
    await page.context.set_offline(False)
    await until_empty(page)
    await page.goto(f"{town.url}/mina-rapporter")
    assert len(await own(page, town)) == 2
    assert len([r for r in sent if not r.failure]) == 2


async def test_an_evening_of_fifty_reports(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    sent = posts(page)
    await page.context.set_offline(True)
    for i in range(50):
        await attach(page, photo(1000 + i, 800))
        await report(page, "E", f"E{1 + i % 8}")
        await expect(page.locator(".qcard")).to_have_count(i + 1)
    records = await waiting(page)
    assert len({r["id"] for r in records}) == 50
    assert all(r["photo"] for r in records)
    await page.goto(f"{town.url}/mina-rapporter")
    await expect(page.get_by_text("50 rapporter väntar på telefonen.")).to_be_visible()
    await page.context.set_offline(False)
    await until_empty(page)
    arrived = await page.evaluate("fetch('/mina-rapporter').then(a => a.text())")
    assert len([r for r in sent if not r.failure]) == 50
    assert arrived.count('class="fate') >= 50
    assert len(set(re.findall(r"/v1/photos/[0-9a-f-]{36}", arrived))) == 50


async def test_two_tabs_and_many_tries_at_once_send_each_report_once(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    sent = posts(page)
    await page.context.set_offline(True)
    for count, kind in enumerate(("C1", "C2", "C4"), 1):
        await report(page, "C", kind)
        await expect(page.locator(".qcard")).to_have_count(count)
    other = await page.context.new_page()
    await other.goto(f"{town.url}/rapportera")
    await expect(other.locator(".qcard")).to_have_count(3)
    await page.context.set_offline(False)
    for tab in (page, other) * 4:
        await tab.evaluate("window.dispatchEvent(new Event('online'))")
    await until_empty(other)
    assert len([r for r in sent if not r.failure]) == 3
    assert len(await own(other, town)) == 3


async def test_an_answer_that_was_lost_makes_no_second_report(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    sent = posts(page)
    lost: list[int] = []

    async def lose_the_first(route: Route) -> None:
        if route.request.method != "POST" or lost:
            await route.continue_()
            return
        answer = await route.fetch()
        lost.append(answer.status)
        await route.abort()

    await page.route("**/rapportera", lose_the_first)
    await report(page, "D", "D1")
    await expect(page.locator(".qcard")).to_contain_text("väntar på nät")
    await until_empty(page)
    assert lost == [200]
    assert len(sent) == 2

    async def arrived_once() -> bool:
        try:  # the page may be on its way to the receipt by itself
            return len(await own(page, town)) == 1
        except Error:
            return False

    await eventually(arrived_once, "one report")


async def test_what_is_no_receipt_of_ours_takes_nothing_away(login: Login, town: Town) -> None:
    """A café's net answers everything with a page of its own."""
    page = await login("rapportor", **PHONE)
    await ready(page)

    async def welcome(route: Route) -> None:
        await route.fulfill(status=200, content_type="text/html", body="<h1>Välkommen till nätet</h1>")

    await page.route("**/rapportera", welcome)
    await report(page, "D", "D2")
    await expect(page.locator(".qcard")).to_contain_text("väntar på nät")
    assert [r["state"] for r in await waiting(page)] == ["waiting"]
    await page.unroute("**/rapportera")
    await page.evaluate("dispatchEvent(new Event('online'))")
    await until_empty(page)
    await page.goto(f"{town.url}/mina-rapporter")
    assert len(await own(page, town)) == 1


async def test_a_server_in_trouble_is_as_good_as_none(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    instance = town.instance
    await instance.supervisor.stop_one("ingest serve")
    try:
        await page.reload()
        await report(page, "D", "D3")
        await expect(page.locator(".qcard")).to_have_count(1)
    finally:
        await instance.supervisor.start(instance.program("ingest", "serve", {}))
    await until_empty(page)


async def test_one_that_is_refused_stops_no_other_and_can_be_put_right(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    await page.context.set_offline(True)
    await choose(page, "A", "A2")
    await page.click("details#more summary")
    await page.fill("#text", "Bakom hallen")
    await page.click("#rapport button[type=submit]")
    await expect(page.locator(".qcard")).to_have_count(1)
    # Queued before the phone had today's rules: the server is the one that refuses it.
    await page.evaluate("""import('/static/queue.js').then(async q => { const [r] = await q.all();
        await q.keep({...r, fields: {...r.fields, text: 'Ring mig på 070-123 45 67'}}); })""")
    await report(page, "A", "A6")
    await expect(page.locator(".qcard")).to_have_count(2)
    await page.goto(f"{town.url}/rapportera")
    await page.context.set_offline(False)
    card = page.locator(".qcard")
    await expect(card).to_have_count(1)
    await expect(card).to_contain_text("behöver åtgärd")
    await expect(card).to_contain_text("telefonnummer")
    await card.get_by_role("button", name="Rätta").click()
    assert await page.input_value("#text") == "Ring mig på 070-123 45 67"
    await page.fill("#text", "Bakom stationen")
    await page.click("#rapport button[type=submit]")
    await page.wait_for_url(re.compile("/mina-rapporter"))
    assert await waiting(page) == []
    assert len(await own(page, town)) == 2


async def test_signed_out_while_reports_wait_they_stay_and_go_when_one_is_back(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    await page.context.set_offline(True)
    await report(page, "E", "E5")
    await expect(page.locator(".qcard")).to_have_count(1)
    cookies = await page.context.cookies()
    await page.context.clear_cookies()
    await page.context.set_offline(False)
    await expect(page.get_by_text("Du behöver logga in igen.")).to_be_visible(timeout=15_000)
    assert len(await waiting(page)) == 1
    await signed_in_as(page, cookies)
    await page.goto(f"{town.url}/rapportera")
    await until_empty(page)


async def test_a_phone_that_two_share_keeps_their_queues_apart(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    await page.evaluate("""import('/static/queue.js').then(q => q.keep({id: 'theirs', owner: 'somebody else',
        made: Date.now(), fields: {}, title: 'Hemligt', where: '', state: 'waiting', tries: 0, next: 0, error: ''}))""")
    sent = posts(page)
    await page.reload()
    await expect(page.get_by_text("ligger 1 rapporter från någon annan")).to_be_visible()
    await expect(page.get_by_text("Hemligt")).to_have_count(0)
    await asyncio.sleep(1)
    assert sent == []
    assert len(await waiting(page)) == 1


async def test_a_report_is_never_sent_as_somebody_else_who_signed_in_meanwhile(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await ready(page)
    await page.context.set_offline(True)
    await report(page, "C", "C10")
    await expect(page.locator(".qcard")).to_have_count(1)
    other = await login("rapportor", **PHONE)
    theirs = await other.context.cookies()
    await signed_in_as(page, theirs)
    await page.context.set_offline(False)
    await expect(page.get_by_text("Du behöver logga in igen.")).to_be_visible(timeout=15_000)
    assert len(await waiting(page)) == 1
    await other.goto(f"{town.url}/mina-rapporter")
    assert await own(other, town) == []


async def test_a_wrong_clock_and_thirty_days_in_a_drawer_move_no_report(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    # A phone three days ahead; the report itself was made thirty days ago by that clock.
    await page.add_init_script("const right = Date.now; Date.now = () => right() + 3 * 86400000;")
    await ready(page)
    await page.context.set_offline(True)
    await report(page, "B", "B1")
    await expect(page.locator(".qcard")).to_have_count(1)
    await page.evaluate("""import('/static/queue.js').then(async q => {
        const [record] = await q.all(); await q.keep({...record, made: record.made - 30 * 86400000, next: 0}); })""")
    await page.goto(f"{town.url}/mina-rapporter")
    await page.context.set_offline(False)
    await until_empty(page)
    await page.goto(f"{town.url}/mina-rapporter")
    ident = (await own(page, town))[0]
    rows = await town.instance.sql(
        "select event from revisions where report_id = $1", ident, kommun=town.tenant.kommun, room="ingest"
    )
    began = datetime.fromisoformat(json.loads(rows[0]["event"])["time_from"])
    assert abs(datetime.now(UTC) - timedelta(days=30) - began) < timedelta(minutes=2)


async def test_the_latest_types_take_one_tap(login: Login, town: Town) -> None:
    page = await login("rapportor", **PHONE)
    await expect(page.get_by_text("Senast")).to_be_hidden()
    await report(page, "A", "A1")
    await page.wait_for_url(re.compile("/mina-rapporter"))
    await expect(page.get_by_text("Lägg Lägesbild på hemskärmen")).to_be_visible()
    await page.goto(f"{town.url}/rapportera")
    await expect(page.locator("[data-name]")).to_have_text("Nässjö centrum")
    await page.locator("[data-recent] button", has_text="Klotter").tap()
    await expect(page.locator("[data-summary]")).to_have_text("Klotter · Nyss · Nässjö centrum")
    await page.locator(".sendbar button").tap()
    await page.wait_for_url(re.compile("/mina-rapporter"))
    assert len(await own(page, town)) == 2


async def test_what_is_missing_is_said_before_it_is_queued(login: Login) -> None:
    page = await login("rapportor", **(PHONE | {"permissions": []}))
    await page.click("#rapport button[type=submit]")
    await expect(page.get_by_role("alert")).to_contain_text("Välj vad du har sett.")
    await expect(page.get_by_role("alert")).to_contain_text("Ange var: position, område eller adress.")
    assert await waiting(page) == []


async def test_the_guard_on_the_phone_finds_what_the_servers_finds(login: Login) -> None:
    page = await login("rapportor", **PHONE)
    texts = Path(__file__).parents[1] / "unit" / "ingest" / "texts"
    lines = [json.loads(line)["text"] for file in texts.glob("guard*.jsonl") for line in file.read_text().splitlines()]
    found = await page.evaluate(
        """lines => import('/static/guard.js').then(g => Promise.all(lines.map(g.findings)))
            .then(all => all.map(one => one.map(f => [f.code, f.name, f.sure])))""",
        lines,
    )
    ours = [[[f.code, f.rule, f.sure] for f in guard.findings(line)] for line in lines]
    assert [(line, a, b) for line, a, b in zip(lines, found, ours, strict=True) if a != b] == []


async def test_words_about_a_person_are_marked_before_anything_is_queued(login: Login) -> None:
    page = await login("rapportor", **PHONE)
    await choose(page, "A", "A1")
    await page.click("details#more summary")
    await page.fill("#text", "Kalle Svensson, ring 070-123 45 67")
    marked = page.locator('[data-guard="text"]')
    await expect(marked).to_contain_text("”070-123 45 67” ser ut som ett telefonnummer.")
    await expect(marked).to_contain_text("”Kalle Svensson” ser ut som ett namn.")
    await page.click("#rapport button[type=submit]")
    await expect(page.get_by_role("alert")).to_contain_text("telefonnummer")
    assert await waiting(page) == []
    assert await violations(page) == []
    # What is only probable warns: the person decides.
    await page.fill("#text", "Kalle Svensson")
    await expect(marked).not_to_contain_text("telefonnummer")
    await page.click("#rapport button[type=submit]")
    await page.wait_for_url(re.compile("/mina-rapporter"))


async def test_the_place_is_put_right_on_the_map_by_a_tap_or_under_the_cross(login: Login) -> None:
    page = await login("rapportor", **PHONE)
    await expect(page.locator("[data-name]")).to_have_text("Nässjö centrum")
    fetched: list[str] = []
    page.on("request", lambda r: fetched.append(r.url))
    await page.get_by_role("button", name="Rätta på karta").tap()
    await live(page)
    assert any("maplibre-gl.mjs" in url for url in fetched)
    first = await page.input_value("[name=lat]")
    assert await violations(page) == []
    await page.locator(".live-map canvas").tap(position={"x": 60, "y": 250})
    await expect(page.locator("[data-accuracy]")).to_have_text("Platsen som du pekade ut.")
    tapped = await page.input_value("[name=lat]")
    assert tapped != first
    await live(page)
    # By keys alone: the map is moved under the cross, and a button takes the place.
    await page.locator(".live-map canvas").focus()
    for _ in range(3):
        await page.keyboard.press("ArrowUp")
        await asyncio.sleep(0.4)
    await page.get_by_role("button", name="Flytta hit").press("Enter")
    await expect(page.locator("[name=lat]")).not_to_have_value(tapped)
    assert float(await page.input_value("[name=lat]")) > float(tapped)
    await report(page)
    await page.wait_for_url(re.compile("/mina-rapporter"))
