"""``python -m tests.support.pictures ADDRESS``: every page of a running demo, on a phone and a desktop, for the docs.

Logs in as the invented people of each role, opens each page, and writes ``docs/bilder/sidor`` and ``docs/sidor.md``.
"""

import asyncio
import json
import re
import sys
import urllib.request
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from benchmarks.phone import PHONE
from services.pages.texts import text
from tests.support.system_packages import chromium

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "bilder" / "sidor"
EXAMPLE = DOCS / "exempel"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}, "locale": "sv-SE"}
SHAPES = (("telefon", PHONE), ("dator", DESKTOP))
PAGES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "": (("/logga-in", "logga-in", "login.title"), ("/tillganglighet", "tillganglighet", "accessibility.link")),
    "rapportor": (
        ("/rapportera", "rapportera", "report.title"),
        ("/mina-rapporter", "mina-rapporter", "mine.title"),
        ("/utskick/aterkoppling", "aterkoppling", "feedback.title"),
    ),
    "analytiker": (
        ("/oversikt", "oversikt", "nav.overview"),
        ("/oversikt/rapporterande", "rapporterande", "reporting.title"),
        ("/lagesbilder", "lagesbilder", "nav.pictures"),
        ("/lagesbilder/{newest}", "lagesbild", "picture.state_draft"),
        ("/lagesbilder/{newest}/mote?steg=2", "mote", "meeting.open"),
        ("/lagesbilder/{newest}/jamfor", "jamfor", "meeting.compare"),
        ("/signaler", "signaler", "nav.signals"),
        ("/omraden", "omraden", "nav.areas"),
        ("/omraden/regso/0682R007", "omrade", "card.crumb_area"),
        ("/typer/A", "typ", "card.crumb_kind"),
        ("/rapporter?area=0682R007", "bakom", "card.behind_page"),
        ("/tathet", "tathet", "density.title"),
        ("/granska", "granska", "nav.review"),
        ("/granska/foton", "foton", "photos.title"),
        ("/platser", "platser", "nav.places"),
        ("/omvarld", "omvarld", "nav.context"),
        ("/utskick", "utskick", "nav.deliveries"),
        ("/larm", "larm", "alerts.title"),
        ("/utskick/leveranser", "leveranser", "deliveries.all_title"),
    ),
    "admin": (
        ("/utskick/regler", "larmregler", "rules_page.title"),
        ("/utskick/utdrag", "utdrag", "extracts.title"),
        ("/utskick/kanaler", "kanaler", "channels.title"),
        ("/administration", "personer", "people.title"),
        ("/administration/organisationer", "organisationer", "organisation.title"),
        ("/administration/nycklar", "nycklar", "keys.title"),
        ("/administration/inloggning", "inloggning", "providers.title"),
        ("/administration/regler", "regler", "rules.title"),
    ),
}
"""Who sees it (the first part of the invented address): path, name of the picture, its title in the texts."""


async def _code(url: str, address: str) -> str:
    for _ in range(20):
        await asyncio.sleep(0.5)
        mails = json.load(urllib.request.urlopen(f"{url}/utkorg/mejl.json"))  # noqa: ASYNC210, S310 - our own demo
        for mail in mails:
            if mail["to"] == address and "kod" in mail["subject"]:
                return str(re.findall(r"\d{3} \d{3}", mail["text"])[0]).replace(" ", "")
    raise AssertionError(f"no code for {address}")


async def _entered(browser: Browser, url: str, who: str) -> Any:
    """The state of a browser in which this invented person is logged in."""
    context = await browser.new_context(**DESKTOP)
    page = await context.new_page()
    address = f"{who}@exempel.invalid"
    await page.goto(f"{url}/logga-in")
    await page.fill("#email", address)
    await page.click("main button[type=submit]")
    await page.fill("#code", await _code(url, address))
    await page.click("main button[type=submit]")
    await page.wait_for_url(lambda at: "logga-in" not in at)
    state = await context.storage_state()
    await context.close()
    return state


def _wall() -> bytes:
    """A drawn wall with a scrawl and a parked car: nothing real may stand in the docs."""
    image = Image.new("RGB", (1200, 900), (196, 186, 170))
    draw = ImageDraw.Draw(image)
    for y in range(0, 700, 50):
        for x in range(-60 if y // 50 % 2 else 0, 1200, 120):
            draw.rectangle((x + 3, y + 3, x + 117, y + 47), fill=(168, 84, 66))
    draw.line([(200, 500), (300, 250), (380, 480), (470, 240), (560, 500), (640, 260)], fill=(20, 60, 160), width=26)
    draw.rectangle((700, 620, 1150, 800), fill=(60, 66, 74))
    draw.ellipse((740, 750, 850, 860), fill=(20, 20, 20))
    draw.ellipse((1000, 750, 1110, 860), fill=(20, 20, 20))
    draw.rectangle((860, 735, 990, 770), fill=(240, 240, 240))
    out = BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


async def _with_photo(context: BrowserContext, url: str) -> None:
    """A report with a photo, so that there is one to look at."""
    page = await context.new_page()
    await page.goto(f"{url}/rapportera")
    await page.locator('label.tile:has([value="A"])').tap()
    await page.locator('label.tile.sub:has([value="A1"])').tap()
    await page.click("details#more summary")
    await page.set_input_files("#bild", {"name": "bild.jpg", "mimeType": "image/jpeg", "buffer": _wall()})
    await page.wait_for_selector("[data-photo] canvas:not([hidden])")
    await page.wait_for_selector("[name=lat]:not([value=''])", state="attached")
    await page.locator(".sendbar button").tap()
    await page.wait_for_url(re.compile("/mina-rapporter"))
    await context.close()


async def _settled(page: Page) -> None:
    await page.wait_for_load_state("networkidle")
    if await page.locator("[data-livemap]").first.is_visible():
        await page.wait_for_selector(".is-live[data-idle]", timeout=30_000)


async def _shoot(context: BrowserContext, url: str, path: str, target: Path) -> None:
    page = await context.new_page()
    await page.goto(url + path)
    await _settled(page)
    await page.screenshot(path=target, type="jpeg", quality=72)
    await page.close()


async def _newest(browser: Browser, url: str, state: Any) -> str:
    """The number of the latest lägesbild."""
    context = await browser.new_context(**DESKTOP, storage_state=state)
    page = await context.new_page()
    await page.goto(f"{url}/lagesbilder")
    number = await page.locator("main table a").first.inner_text()
    await context.close()
    return number


async def _adopted(browser: Browser, url: str, state: Any, number: str) -> None:
    """Adopt it and keep what came of it: page, print, PDF and XLSX. An example, with nothing in it that is true."""
    EXAMPLE.mkdir(parents=True, exist_ok=True)
    context = await browser.new_context(**DESKTOP, storage_state=state)
    page = await context.new_page()
    await page.goto(f"{url}/lagesbilder/{number}")
    if await page.locator("[data-adopt]").count():
        await page.fill("#text", "Klottret i centrum är tydligast. Gruppen föreslår tidigare sanering och en vandring.")
        await page.check("#c1")
        await page.check("#c2")
        await page.click("[data-adopt]")
        await page.wait_for_selector(".seal")
    await page.screenshot(path=EXAMPLE / "lagesbild-sida.jpg", type="jpeg", quality=72, full_page=True)
    for shape, settings in SHAPES:
        other = await browser.new_context(**settings, storage_state=state)
        await _shoot(other, url, f"/lagesbilder/{number}/rattelser", FOLDER / f"rattelser-{shape}.jpg")
        await other.close()
    await page.pdf(path=EXAMPLE / "lagesbild-utskrift.pdf", format="A4", print_background=True)
    for name in ("lagesbild.pdf", "lagesbild.xlsx"):
        answer = await context.request.get(f"{url}/lagesbilder/{number}/{name}")
        (EXAMPLE / name).write_bytes(await answer.body())
    await context.close()


async def main(url: str) -> None:
    """All of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Sidorna\n",
        "Bilder ur en demo med påhittade uppgifter. Görs om med `python -m tests.support.pictures ADRESS`.\n",
    ]
    async with async_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-background-networking", "--disable-sync", "--enable-unsafe-swiftshader"]
        browser = await playwright.chromium.launch(executable_path=chromium(), args=flags)
        for who, pages in PAGES.items():
            state = await _entered(browser, url, who) if who else None
            if who == "rapportor":
                await _with_photo(await browser.new_context(**PHONE, storage_state=state), url)
            number = await _newest(browser, url, state) if who == "analytiker" else ""
            for shape, settings in SHAPES:
                context = await browser.new_context(**settings, storage_state=state)
                for path, name, _ in pages:
                    await _shoot(context, url, path.format(newest=number), FOLDER / f"{name}-{shape}.jpg")
                await context.close()
            if number:
                await _adopted(browser, url, state, number)
            shown = (*pages, ("", "rattelser", "corrected.crumb")) if number else pages
            for _, name, title in shown:
                images = " ".join(f"![{text(title)}, {s}](bilder/sidor/{name}-{s}.jpg)" for s, _ in SHAPES)
                lines.append(f"## {text(title)}\n\n{images}\n")
        await browser.close()
    (DOCS / "sidor.md").write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1].rstrip("/")))
