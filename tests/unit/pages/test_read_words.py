"""What is noted in the read log has a word on the data protection officer's page: an entry without one breaks it."""

import ast
from pathlib import Path

from services.ingest.web.reads import _OBJECTS
from services.pages.texts import catalogue

SERVICES = Path(__file__).parents[3] / "services"


def _noted() -> set[tuple[str, str, str]]:
    """(what, object, purpose) of every place that notes a read; "" for what is made there."""
    found = set()
    for path in SERVICES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"read_log.note", "read_log.note_each"}:
                said = [a.value if isinstance(a, ast.Constant) else "" for a in node.args[2:]]
                found.add((str(said[0]), str(said[1]), str(said[2])))
    return found


def test_every_read_that_is_noted_has_its_words() -> None:
    noted, words = _noted(), catalogue()
    assert len(noted) > 10
    for what, object_, purpose in noted:
        assert not what or f"reads.what_{what}" in words, what
        assert not purpose or f"reads.purpose_{purpose}" in words, purpose
        assert not object_ or object_.startswith("/") or object_ in _OBJECTS, object_
    assert all(f"reads.object_{word}" in words for word in _OBJECTS.values())
