"""What the phone keeps is what its pages need: a file that is forgotten is missed where there is no coverage."""

import re
from importlib import resources

from services.ingest.web.phone import FILES

STATIC = resources.files("services.pages") / "static"


def test_every_module_that_a_kept_one_imports_is_kept() -> None:
    for name in (f for f in FILES if f.endswith(".js")):
        imported = set(re.findall(r'^import .* from "\./([^"]+)"', (STATIC / name).read_text("utf-8"), re.MULTILINE))
        assert imported <= set(FILES), name


def test_every_script_of_the_pages_and_their_stylesheet_are_kept() -> None:
    web = resources.files("services.ingest") / "web"
    layout = resources.files("services.pages") / "templates" / "layout.html"
    for page in (web / "report.html", web / "mine.html"):
        assert set(re.findall(r'"/static/([^"/]+\.js)"', page.read_text("utf-8"))) <= set(FILES), page
    styles = set(re.findall(r'"/static/([^"/]+\.css)"', layout.read_text("utf-8")))
    assert styles
    assert styles <= set(FILES)
