"""``python -m deploy.stylesheet``: joins the parts of the stylesheet; a test holds what is checked in against them.

One file, because a phone on a slow line asks for six at a time at most, and every question costs it half a second.
"""

import re
from pathlib import Path

PAGES = Path(__file__).parents[1] / "services" / "pages"
PARTS = ("tokens", "look", "pages")
"""In the order in which they win over each other."""
TARGET = PAGES / "static" / "style.css"


def joined() -> str:
    """The stylesheet as browsers get it: the parts without their comments and indents."""
    parts = [(PAGES / "styles" / f"{name}.css").read_text("utf-8") for name in PARTS]
    bare = re.sub(r"/\*.*?\*/", "", "\n".join(parts), flags=re.DOTALL)
    lines = [line.strip() for line in bare.splitlines()]
    return "".join(f"{line}\n" for line in lines if line)


def main() -> None:
    """Write it."""
    TARGET.write_text(joined(), "utf-8")


if __name__ == "__main__":
    main()
