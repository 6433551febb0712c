"""A real Chromium, a municipality with people of every role, and a login by the mail that really was sent."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from services.analysis.domain.periods import Rule
from services.analysis.handlers.picturing import Picturing
from services.runtime.database import Database
from services.runtime.migrations import work_role
from tests.integration.test_pictures import cut_off, history, number
from tests.integration.test_signals import schedule
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, reports
from tests.support.system_packages import chromium, sentence
from tests.support.voice import never_quiet, somebody

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "geolocation": {"longitude": 14.6968, "latitude": 57.6533, "accuracy": 12},
    "permissions": ["geolocation"],
}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1366, "height": 900}}


@dataclass
class Town:
    """Nässjö with a few reports and somebody who follows the serious ones."""

    instance: Instance
    tenant: Tenant
    url: str

    async def person(self, role: str) -> tuple[str, str]:
        """A new invented person of a role, (address, id): codes are limited per address."""
        address = f"{role}-{uuid4().hex[:8]}@exempel.invalid"
        body = {"name": "Kim Exempel", "email": address, "roles": [role], "organisation": "Exempelbolaget"}
        async with asking(self.url) as http:
            answer = await http.post("/v1/people", json=body, headers=self.tenant.headers)
        assert answer.status_code == 201, answer.text
        return address, str(answer.json()["person_id"])


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    program = chromium()
    if program is None:
        pytest.fail(sentence())
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=program, args=flags)
        yield launched
        await launched.close()


@pytest.fixture(scope="session")
async def town(instance: Instance) -> Town:
    tenant = await instance.tenant("0682", "Nässjö")
    url = instance.ground.layout.public_url
    made = Town(instance, tenant, url)
    async with asking(url) as http:
        _, follower = await made.person("est_medlem")
        follow = {"min_severity": 3, "person_id": follower}
        assert (await http.post("/v1/subscriptions", json=follow, headers=tenant.bearer)).status_code == 201
    await never_quiet(instance, await somebody(instance, tenant.kommun, "administrator"))
    await tenant.load(reports(40, "town"))
    await tenant.tally(40)
    return made


@pytest.fixture(scope="session")
async def drafts(town: Town) -> list[str]:
    """Two periods' drafts, far ahead, the older one with a rise in the centre."""
    database = Database(town.instance.ground.database_url(work_role("analysis")), pool_size=2)
    try:
        await history(database, town.tenant.kommun)
        for moment in (cut_off(), cut_off() + timedelta(days=14)):
            task = Picturing(database).task()
            await schedule(database, town.tenant.kommun, moment + timedelta(hours=1), [task]).once()
    finally:
        await database.close()
    return [number(), Rule().period(cut_off() + timedelta(days=14)).number]


async def live(page: Page) -> None:
    """Until the live map stands in the drawn one's place and has drawn everything."""
    await page.locator("[data-livemap]").scroll_into_view_if_needed()
    await page.wait_for_selector(".is-live", timeout=30_000)
    await page.wait_for_selector(".is-live[data-idle]", timeout=30_000)


Login = Callable[..., Awaitable[Page]]


@pytest.fixture
async def login(browser: Browser, town: Town, request: pytest.FixtureRequest) -> AsyncIterator[Login]:
    """Log in as a role with the code from the mail; keyword arguments go to the browser context."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def enter(role: str, **settings: Any) -> Page:
        context = await browser.new_context(locale="sv-SE", **settings)
        contexts.append(context)
        page = await context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        address, _ = await town.person(role)
        await page.goto(f"{town.url}/logga-in")
        await page.fill("#email", address)
        await page.click("main button[type=submit]")
        await page.fill("#code", await _code(town, address))
        await page.click("main button[type=submit]")
        await page.wait_for_url(lambda url: "logga-in" not in url)
        return page

    yield enter
    for context in contexts:
        await context.close()
    # A page that answers 403 or 422 on purpose is reported by the browser as a failed load: that is not a complaint.
    expected = ["the server responded with a status of 4", "GL Driver"]  # the second: screenshots of WebGL
    if request.node.get_closest_marker("without_coverage"):
        expected += ["ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "status of 502"]
    assert [c for c in complaints if not any(e in c for e in expected)] == []


async def _code(town: Town, address: str) -> str:
    found: list[str] = []

    async def arrived() -> bool:
        async with asking(town.url) as http:
            mails = (await http.get("/utkorg/mejl.json", params={"to": address})).json()
        texts = [m["text"] for m in mails if "kod" in m["subject"]]
        found[:] = re.findall(r"\d{3} \d{3}", texts[0]) if texts else []
        return bool(found)

    await eventually(arrived, f"a code for {address}")
    return found[0]
