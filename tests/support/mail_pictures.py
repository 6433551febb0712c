"""``python -m tests.support.mail_pictures``: the voice's mails as pictures, for the docs.

Each is put together by the code that sends them, from invented reports, signals and a lägesbild; nothing is sent.
"""

import asyncio
from html import escape
from pathlib import Path

from playwright.async_api import async_playwright

from services.analysis.domain import picture
from services.analysis.web import picture_words
from services.notify.domain.alerts import Alert
from services.notify.domain.plan import DEFAULT, Interest, nodes
from services.notify.domain.routing import REPORTED
from services.notify.gateways.channel import Message
from services.notify.handlers.digesting import agenda, agenda_notice
from services.notify.wording.alerts import Known, said
from services.notify.wording.messages import Frame, message, reasons
from tests.support.facts import NOON
from tests.support.notices import alert, case, report
from tests.support.system_packages import chromium
from tests.unit.analysis.test_picture import AREA, read

FOLDER = Path(__file__).parents[2] / "docs" / "bilder" / "utskick"
PLACES = {AREA: "Centrum", "0682R012": "Handskeryd", "0682R003": "Runneryd"}
LABELS = {node.name: node.label for node, _ in nodes(DEFAULT.root)}


def _mail(alerts: list[tuple[Alert, Known]], *rules: str, others: int = 0, change: str = "/utskick") -> Message:
    frame = Frame("https://lagesbild.exempel", "<x@y>", reasons(rules, LABELS, None), change=change)
    rest = [alerts[0][0]] * others
    return message([(one, said(one, known)) for one, known in alerts], frame, rest)


def _agenda() -> Alert:
    words = picture_words.agenda(picture.draft(read()), PLACES, None, {})
    return alert(agenda_notice("0682", NOON, agenda({"number": "2026:24"} | words, NOON)), kind="agenda")


def mails() -> dict[str, Message]:
    """Name of the picture → the mail."""
    signals = [
        (alert(case(event_type=kind, observed=seen, expected=usual)), Known(area=place))
        for kind, seen, usual, place in (
            ("A1", 11, 4.2, "Handskeryd"), ("B1", 9, 2.8, "Centrum"), ("E3", 7, 2.1, "Runneryd"),
        )
    ]  # fmt: skip
    grave = (alert(report(severity=4, event_type="C4")), Known(area="Centrum"))
    thanks = alert(report(), kind="feedback", event={"number": "2026:24", "kinds": {"A1": 2, "E3": 1}})
    extract = Known(organisation="Tekniska förvaltningen", interest=Interest(types=("A", "E")))
    return {
        "mejl-html": _mail([grave], "allvarlig"),
        "signal": _mail([signals[0]], "signal"),
        "samlat": _mail([grave, *signals], "allvarlig", "signal", others=4),
        "dagordning": _mail([(_agenda(), Known())], "dagordning"),
        "utdrag": _mail([(_agenda(), extract)], "dagordning"),
        "aterkoppling": _mail([(thanks, Known())], REPORTED, change="/utskick/aterkoppling"),
    }


async def main() -> None:
    """All of them as HTML, and one as the text that it also is."""
    made = mails()
    pages = {name: one.html for name, one in made.items()}
    plain = escape(made["mejl-html"].text)
    pages["mejl-text"] = f"<pre style='font: 14px/1.45 monospace; white-space: pre-wrap; margin: 16px'>{plain}</pre>"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 640, "height": 400})
        for name, html in pages.items():
            await page.set_content(html)
            await page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
