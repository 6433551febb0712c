"""Passkeys in a real Chromium with its own virtual authenticator: added, used, refused, taken away."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, Page, Route, expect

from tests.browser.conftest import PHONE, Town, _code
from tests.browser.test_pages import violations
from tests.support.http import asking

STATIC = Path(__file__).parents[2] / "services" / "pages" / "static"
LOCK = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
async def door(town: Town) -> AsyncIterator[str]:
    """The door by a name: WebAuthn knows no numbers. Its files come from the folder, as the gateway gives them."""
    port = town.instance.ground.layout.ports["ingest_serve"]
    url = f"http://localhost:{port}"
    await town.instance.restart_with("ingest", "serve", {"LAGESBILD_PUBLIC_URL": url})
    yield url
    await town.instance.restart_with("ingest", "serve", {})


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(locale="sv-SE", **{k: v for k, v in PHONE.items() if k != "permissions"})

    async def file(route: Route) -> None:
        await route.fulfill(path=STATIC / route.request.url.partition("/static/")[2])

    await context.route("**/static/**", file)
    yield await context.new_page()
    await context.close()


async def locked(page: Page) -> tuple[CDPSession, str]:
    """A phone with a lock that its owner has opened."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": LOCK})
    return session, made["authenticatorId"]


async def by_code(page: Page, town: Town, door: str) -> None:
    address, _ = await town.person("rapportor")
    await page.goto(f"{door}/logga-in")
    await page.fill("#email", address)
    await page.locator("form button[type=submit]").click()
    await page.fill("#code", await _code(town, address))
    await page.locator("form button[type=submit]").click()
    await page.wait_for_url(lambda url: "logga-in" not in url)


async def test_a_passkey_is_added_and_logs_in_until_it_is_taken_away(town: Town, door: str, page: Page) -> None:
    await by_code(page, town, door)
    session, phone = await locked(page)
    await page.goto(f"{door}/konto/passnycklar")
    assert await violations(page) == []
    await page.fill("#label", "Min telefon")
    await page.get_by_role("button", name="Lägg till").click()
    await expect(page.get_by_role("status").first).to_contain_text("Passnyckeln är tillagd.")
    await expect(page.get_by_role("row", name="Min telefon")).to_contain_text("aldrig")
    await page.context.clear_cookies()
    await page.goto(f"{door}/logga-in?till=/konto/passnycklar")
    assert await violations(page) == []
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.post_data or "") if r.url.endswith("/logga-in/passnyckel") else None)
    await page.get_by_role("button", name="Logga in med passnyckel").click()
    await page.wait_for_url(f"{door}/konto/passnycklar")
    await expect(page.get_by_role("row", name="Min telefon")).not_to_contain_text("aldrig")

    # What went over the wire once serves nobody a second time, whatever cookies they have.
    kept = {c["name"]: c["value"] for c in await page.context.cookies()}
    async with asking(door) as http:
        begun = await http.post("/logga-in/passnyckel/borja")
        assert begun.status_code == 200
        again = await http.post("/logga-in/passnyckel", json=json.loads(sent[0]))
        assert again.status_code == 422, "an answer to another challenge"
        assert "lb_passkey" not in kept, "the cookie is gone once it has served"

    await page.get_by_role("button", name="Ta bort").click()
    await expect(page.get_by_text("Du har ingen passnyckel än.")).to_be_visible()
    await page.context.clear_cookies()
    await page.goto(f"{door}/logga-in")
    await page.get_by_role("button", name="Logga in med passnyckel").click()
    await expect(page.get_by_text("Det gick inte att logga in med passnyckeln.")).to_be_visible()
    found: dict[str, Any] = await session.send("WebAuthn.getCredentials", {"authenticatorId": phone})
    assert len(found["credentials"]) == 1, "the phone still has it; the house does not take it any more"


async def test_a_device_that_has_not_known_its_owner_is_not_enough(town: Town, door: str, page: Page) -> None:
    await by_code(page, town, door)
    session, phone = await locked(page)
    await page.goto(f"{door}/konto/passnycklar")
    await page.fill("#label", "Min telefon")
    await page.get_by_role("button", name="Lägg till").click()
    await expect(page.get_by_role("status").first).to_contain_text("Passnyckeln är tillagd.")
    await page.context.clear_cookies()
    await session.send("WebAuthn.setUserVerified", {"authenticatorId": phone, "isUserVerified": False})
    await page.goto(f"{door}/logga-in")
    await page.get_by_role("button", name="Logga in med passnyckel").click()
    await expect(page.get_by_text("Det gick inte att logga in med passnyckeln.")).to_be_visible(timeout=15_000)
    assert "/logga-in" in page.url


async def test_nobody_adds_a_passkey_without_being_signed_in(door: str) -> None:
    async with asking(door) as http:
        assert (await http.post("/konto/passnycklar/borja")).status_code == 401
        asked = await http.get("/konto/passnycklar")
        assert (asked.status_code, "/logga-in" in asked.headers["location"]) == (303, True)
        assert (await http.post("/konto/passnycklar", json={"credential": {}, "label": "x"})).status_code == 401
        nonsense = await http.post("/logga-in/passnyckel", json={"credential": {"id": "åäö"}})
        assert nonsense.status_code == 422
        assert (await http.post("/logga-in/passnyckel/borja")).status_code == 200
        nonsense = await http.post("/logga-in/passnyckel", json={"credential": {"id": "AAAA", "response": 7}})
        assert nonsense.status_code == 422
