"""Where people are reached, in a real browser: a device that shows a notification, a number that is proved."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PHONE, Login, Town
from tests.browser.test_pages import violations
from tests.support.instance import eventually
from tests.support.outside import Outsider, Phone, outsider

SUBSCRIBED = """
PushManager.prototype.subscribe = async function (options) {{
  window.signedBy = new Uint8Array(options.applicationServerKey).length;
  return {{ toJSON: () => ({subscription}) }};
}};
"""


@pytest.fixture
def there() -> Iterator[Outsider]:
    with outsider() as made:
        yield made


@pytest.fixture
async def open_town(town: Town, there: Outsider) -> AsyncIterator[Town]:
    """The town, which may send to the outsider: push messages and SMS."""
    sms = [{"url": f"{there.url}/a1/sms", "username": "u", "password": "p"}]
    extra = {"LAGESBILD_PUSH_ALLOWED": json.dumps([there.place]), "LAGESBILD_SMS_PROVIDERS": json.dumps(sms)}
    for process in ("serve", "work"):
        await town.instance.restart_with("notify", process, extra)
    yield town
    for process in ("serve", "work"):
        await town.instance.restart_with("notify", process, {})


async def _shown(page: Page) -> list[dict[str, str]]:
    """The notifications that stand on the device."""
    found: list[dict[str, str]] = await page.evaluate(
        """async () => (await (await navigator.serviceWorker.ready).getNotifications())
            .map(({ title, body, data, tag }) => ({ title, body, data, tag }))"""
    )
    return found


async def _delivered(page: Page, words: str) -> None:
    """What a push service does with a message, once it is open: hand it to the page's service worker."""
    session = await page.context.new_cdp_session(page)
    found: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: found.extend(r["registrationId"] for r in said["registrations"] if not r["isDeleted"]),
    )
    await session.send("ServiceWorker.enable")

    async def registered() -> bool:
        return bool(found)

    await eventually(registered, "the browser knows its service worker")
    origin = re.sub(r"(https?://[^/]+).*", r"\1", page.url)
    about = {"origin": origin, "registrationId": found[-1], "data": words}
    await session.send("ServiceWorker.deliverPushMessage", about)


async def test_a_notification_is_turned_on_sent_sealed_and_shown(
    login: Login, open_town: Town, there: Outsider
) -> None:
    device = Phone()
    page = await login("analytiker", **{**PHONE, "permissions": ["notifications"]})
    subscription = json.dumps({"endpoint": there.url + "/push/1", "keys": device.keys})
    await page.add_init_script(SUBSCRIBED.format(subscription=subscription))
    await page.goto(f"{open_town.url}/utskick")
    assert await page.locator("#urgent option").all_text_contents() == ["Mejl"]
    await page.get_by_role("button", name="Slå på notiser här").click()
    await expect(page.get_by_role("status").first).to_contain_text("Notiser är på")
    await expect(page.get_by_text(re.compile("^Mobil, sedan"))).to_be_visible()
    assert await violations(page) == []
    await page.select_option("#usual", "push")
    await page.locator("#hur").locator("..").get_by_role("button", name="Spara").click()
    await page.goto(f"{open_town.url}/utskick/kanaler")
    await page.get_by_role("button", name=re.compile(r"Prova\s*: Notis")).click()

    async def sent() -> bool:
        return any(t.path == "/push/1" for t in there.taken)

    await eventually(sent, "the push service has the test message")
    words = device.reads(next(t for t in there.taken if t.path == "/push/1").body)
    await page.goto(f"{open_town.url}/utskick")

    async def stands() -> bool:
        # Chromium forgets a notification that is asked for while it is being put up (one in ten, asked at once).
        await _delivered(page, json.dumps(words))
        await asyncio.sleep(1)
        return bool(await _shown(page))

    await eventually(stands, "the notification stands on the device")
    (shown,) = await _shown(page)
    assert shown["title"] == "Provmeddelande från Lägesbild"
    assert shown["data"] == f"{open_town.url}/utskick/kanaler"
    await _delivered(page, json.dumps(words))
    await asyncio.sleep(1)
    assert len(await _shown(page)) == 1, "the same message twice takes one place"
    await page.get_by_role("button", name=re.compile(r"Ta bort\s*: Mobil")).click()
    await expect(page.get_by_text("Ingen enhet har notiser på än.")).to_be_visible()


async def test_who_says_no_to_notifications_is_told_where_to_change_it(login: Login, open_town: Town) -> None:
    page = await login("est_medlem", **PHONE)
    await page.add_init_script("Notification.requestPermission = async () => 'denied';")
    await page.goto(f"{open_town.url}/utskick")
    await page.get_by_role("button", name="Slå på notiser här").click()
    await expect(page.get_by_text("Webbläsaren säger nej till notiser.")).to_be_visible()


async def test_a_number_is_proved_by_the_code_that_came(login: Login, open_town: Town, there: Outsider) -> None:
    there.default = (200, {}, json.dumps({"id": "s1", "status": "created", "cost": 3500}).encode())
    page = await login("est_medlem", **PHONE)
    await page.goto(f"{open_town.url}/utskick")
    await page.fill("#phone", "12")
    await page.get_by_role("button", name="Skicka en kod").click()
    await expect(page.get_by_role("alert")).to_contain_text("Det är inget telefonnummer")
    await page.fill("#phone", "070-123 45 67")
    await page.get_by_role("button", name="Skicka en kod").click()
    await expect(page.get_by_text("En kod är på väg till +46701234567.")).to_be_visible()
    assert await violations(page) == []

    async def sent() -> bool:
        return any("Koden" in t.form.get("message", "") for t in there.taken)

    await eventually(sent, "the code has left")
    said = next(t.form for t in there.taken if "Koden" in t.form.get("message", ""))
    assert said["to"] == "+46701234567"
    found = re.search(r"\d{6}", said["message"])
    assert found is not None
    await page.fill("#code", "0" + found[0][1:] if found[0][0] != "0" else "1" + found[0][1:])
    await page.get_by_role("button", name="Bekräfta numret").click()
    await expect(page.get_by_role("alert")).to_contain_text("Koden stämde inte")
    await page.fill("#code", found[0])
    await page.get_by_role("button", name="Bekräfta numret").click()
    await expect(page.get_by_text("Sms går till +46701234567.")).to_be_visible()
    assert await page.locator("#urgent option").all_text_contents() == ["Mejl", "Sms"]
