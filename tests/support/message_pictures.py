"""``python -m tests.support.message_pictures``: what the voice says in every form, as pictures for the docs.

The words are those that are sent; phone and Teams are drawn around them, since neither is here.
"""

import asyncio
from html import escape
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from services.notify.domain.routing import FOLLOWED
from services.notify.gateways.channel import Message
from services.notify.gateways.posted import teams_card
from services.notify.wording.alerts import Known, said
from services.notify.wording.messages import Frame, message, reasons
from tests.support.notices import alert, case, report
from tests.support.system_packages import chromium

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "bilder" / "utskick"
STYLE = """<style>
body{font:16px/1.4 "DejaVu Sans",Arial,sans-serif;margin:0;padding:24px;background:#e6e9ec;color:#1b2428}
pre{font:14px/1.45 "DejaVu Sans Mono",monospace;white-space:pre-wrap;background:#fff;padding:20px;margin:0}
.sms{background:#fff;border-radius:18px;padding:14px 16px;max-width:330px}
.note{background:#fff;border-radius:14px;padding:14px 16px;max-width:380px;box-shadow:0 2px 8px #0003}
.note{white-space:pre-line}.note small{color:#5b6b73}
.card{background:#fff;border:1px solid #d0d0d0;border-radius:6px;padding:18px;max-width:560px}
.card dl{display:grid;grid-template-columns:9em 1fr;gap:4px;margin:12px 0}
.card dt{font-weight:bold}.card dd{margin:0}.card .subtle{color:#616161;font-size:13px}
.card a{display:inline-block;margin-top:12px;padding:6px 14px;border:1px solid #5b5fc7;color:#3d3e78;border-radius:4px}
</style>"""


def _made() -> tuple[Message, Message]:
    """A case, and a grave report, as an analyst is told of them."""
    evidence = {"kind": "A1", "weeks": 4, "adjusted": {"expected": 5.1}}
    document = {"document": {"evidence": [evidence], "data": {"preliminary": 0.12}}}
    why = reasons([FOLLOWED, "signal"], {"signal": "Ny signal"}, "klotter i Nässjö centrum")
    frame = Frame("https://lagesbild.exempel", "<exempel@lagesbild.local>", why)
    found, grave = alert(case("opened"), 1), alert(report(event_type="A3", severity=4, invented=True), 1)
    return (
        message([(found, said(found, Known("Nässjö centrum", document)))], frame),
        message([(grave, said(grave, Known("Nässjö centrum")))], frame),
    )


def _card(message: Message) -> str:
    """The adaptive card's own blocks, drawn plainly."""
    content: dict[str, Any] = teams_card(message)["attachments"][0]["content"]
    drawn = []
    for block in content["body"]:
        if block["type"] == "FactSet":
            facts = "".join(f"<dt>{escape(f['title'])}</dt><dd>{escape(f['value'])}</dd>" for f in block["facts"])
            drawn.append(f"<dl>{facts}</dl>")
        else:
            look = "subtle" if block.get("isSubtle") else ""
            words = escape(block["text"])
            drawn.append(f'<p class="{look}">{f"<strong>{words}</strong>" if block.get("weight") else words}</p>')
    button = content["actions"][0]["title"]
    return f'<div class="card">{"".join(drawn)}<a href="#">{escape(button)}</a></div>'


async def main() -> None:
    """All of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    signal, grave = _made()
    words = f"<strong>{escape(grave.title)}</strong><br>{escape(grave.in_lines())}"
    notice = f'<div class="note"><small>Lägesbild · nu</small><br>{words}</div>'
    pages = {
        "mejl-html": (signal.html, 680),
        "mejl-text": (STYLE + f"<pre>{escape(signal.text)}</pre>", 720),
        "sms": (STYLE + f'<div class="sms">{escape(grave.short)}</div>', 400),
        "notis": (STYLE + notice, 440),
        "teams": (STYLE + _card(signal), 640),
    }
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name, (content, width) in pages.items():
            page = await browser.new_page(viewport={"width": width, "height": 100})
            await page.set_content(content)
            await page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
            await page.close()
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
