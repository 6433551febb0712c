"""What the phone keeps is what its pages need: a file that is forgotten is missed where there is no coverage."""

import re
from importlib import resources

from services.ingest.web.phone import FILES, MODULES, QUEUE_MODULES
from services.pages.frame import frame
from services.pages.render import STYLE, page

STATIC = resources.files("services.pages") / "static"


def test_every_module_that_a_kept_one_imports_is_kept() -> None:
    for name in (f for f in FILES if f.endswith(".js")):
        imported = set(re.findall(r'^import .* from "\./([^"]+)"', (STATIC / name).read_text("utf-8"), re.MULTILINE))
        assert imported <= set(FILES), name


def test_every_script_of_the_pages_and_their_stylesheet_are_kept() -> None:
    web = resources.files("services.ingest") / "web"
    layout = resources.files("services.pages") / "templates" / "layout.html"
    for template in (web / "report.html", web / "mine.html"):
        assert set(re.findall(r'"/static/([^"/]+\.js)"', template.read_text("utf-8"))) <= set(FILES), template
    styles = set(re.findall(r'"/static/([^"/]+\.css)"', layout.read_text("utf-8")))
    assert styles
    assert styles <= set(FILES)


def test_what_a_page_needs_first_is_named_in_its_headers_and_is_what_it_imports() -> None:
    for first, modules in (("report.js", MODULES), ("phone.js", QUEUE_MODULES)):
        wanted, found = {first}, set()
        while wanted:
            name = wanted.pop()
            found.add(name)
            written = (STATIC / name).read_text("utf-8")
            wanted |= set(re.findall(r'^import .* from "\./([^"]+)"', written, re.MULTILINE)) - found
        assert found == set(modules)
    context = frame(None, "/") | {"heading": "", "detail": None}
    link = page("message.html", context, modules=("report.js",)).headers["Link"]
    assert link == f"<{STYLE}>; rel=preload; as=style, </static/report.js>; rel=preload; as=script; crossorigin"
