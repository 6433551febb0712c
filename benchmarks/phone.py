"""``python -m benchmarks.phone ADDRESS``: a hurried reporter on a slow phone, against a running demo.

Slow 3G (400 kbit/s, 400 ms) and a processor six times slower than this one, by Chromium's own throttling. Says how
long from the open page to the report on the phone, how many taps, how heavy the page is. Medians of five.

When the page answers to taps is noted by the page's own clock and asked for by the debugger's protocol: what the
driver of the browser puts into a page to look for something takes a phone's processor a fifth of a second.
"""

import asyncio
import json
import re
import sys
import time
from statistics import median
from typing import Any

import httpx
from playwright.async_api import BrowserContext, CDPSession, Page, async_playwright

from tests.support.system_packages import chromium

ROUNDS = 5
PERSON = "rapportor@exempel.invalid"
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "locale": "sv-SE",
    "geolocation": {"longitude": 14.6968, "latitude": 57.6533, "accuracy": 12}, "permissions": ["geolocation"],
}  # fmt: skip
VISITS = (("first visit", False, False), ("kept page", False, True), ("latest type", True, True))
"""Name, whether by the tile of the latest type, whether the phone has the page already."""
_NOTE_READY = """new MutationObserver((_, watch) => {
  if (!document.querySelector("#rapport[novalidate]")) return;
  globalThis.readyAt = performance.now();
  watch.disconnect();
}).observe(document, { attributes: true, childList: true, subtree: true });"""
THINKS = 0.8
"""Seconds a person takes to find each tile and press it, gloves on."""


async def enter(context: BrowserContext, url: str) -> Page:
    """Logged in, by the code in the outbox viewer."""
    page = await context.new_page()
    await page.goto(f"{url}/logga-in")
    await page.fill("#email", PERSON)
    await page.click("main button[type=submit]")
    await asyncio.sleep(2)
    async with httpx.AsyncClient(trust_env=False) as http:
        mails = (await http.get(f"{url}/utkorg/mejl.json")).json()
    code = next(re.findall(r"\d{3} \d{3}", m["text"])[0] for m in mails if m["to"] == PERSON and "kod" in m["subject"])
    await page.fill("#code", code)
    await page.click("main button[type=submit]")
    await page.wait_for_url(re.compile("/rapportera"))
    return page


async def slowed(page: Page) -> CDPSession:
    """A mid-range phone on slow 3G."""
    session = await page.context.new_cdp_session(page)
    await session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000},
    )
    await session.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    return session


async def hurry(page: Page, session: CDPSession, url: str, *, recent: bool) -> tuple[float, float, int]:
    """Seconds until the page answers to taps, until the report is on the phone, and taps."""
    await page.add_init_script(_NOTE_READY)
    started = time.perf_counter()
    await page.goto(f"{url}/rapportera", wait_until="commit")
    ready = None
    while ready is None:
        await asyncio.sleep(0.05)
        asked = await session.send("Runtime.evaluate", {"expression": "globalThis.readyAt"})
        ready = asked["result"].get("value")
    if recent:
        taps = ["[data-recent] button", ".sendbar button"]
    else:
        taps = ['label.tile:has([value="A"])', 'label.tile.sub:has([value="A1"])', ".sendbar button"]
    await page.wait_for_selector("[name=lat]:not([value=''])", state="attached")
    for tap in taps:
        await asyncio.sleep(THINKS)
        await page.locator(tap).first.tap()
    await page.wait_for_selector("[data-said]:not([hidden])", state="attached")
    return ready / 1000, time.perf_counter() - started, len(taps)


async def measure(url: str) -> dict[str, Any]:
    """All of it."""
    program = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        found: dict[str, Any] = {}
        once = await browser.new_context(**PHONE)
        await enter(once, url)
        person = await once.storage_state()
        await once.close()
        for name, recent, kept in VISITS:
            rounds = []
            for _ in range(ROUNDS):
                context = await browser.new_context(**PHONE, storage_state=person)
                page = await context.new_page()
                await page.goto(f"{url}/rapportera")
                if recent:
                    await page.evaluate("localStorage.setItem('rapport.senaste', '[\"A1\"]')")
                await page.evaluate("navigator.serviceWorker.ready")
                if kept:
                    await page.reload()
                else:  # nothing on the phone yet
                    await page.evaluate("""async () => {
                        for (const r of await navigator.serviceWorker.getRegistrations()) await r.unregister();
                        for (const n of await caches.keys()) await caches.delete(n); }""")
                    session = await context.new_cdp_session(page)
                    await session.send("Network.clearBrowserCache")
                rounds.append(await hurry(page, await slowed(page), url, recent=recent))
                await context.close()
            found[name] = {
                "interactive_s": round(median(r[0] for r in rounds), 1),
                "report_s": round(median(r[1] for r in rounds), 1),
                "taps": rounds[0][2],
            }
        found["page_gzip_kb"] = await weight(await browser.new_context(**PHONE, storage_state=person), url)
        await browser.close()
    return found


async def weight(context: BrowserContext, url: str) -> float:
    """Kilobytes over the wire for the page and its files, the first time."""
    page = await context.new_page()
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.clearBrowserCache")
    await session.send("Network.setBypassServiceWorker", {"bypass": True})
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    await page.goto(f"{url}/rapportera", wait_until="networkidle")
    return round(sum(sizes) / 1000, 1)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1].rstrip("/"))), indent=1))
