"""Which views there are, and the definition that tells whether a stored one was made by this program."""

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from schemas.context import ContextLocated
from services.analysis.views import View
from services.analysis.views.activity import ACTIVITY
from services.analysis.views.cells import CELLS
from services.analysis.views.context_days import CONTEXT_DAYS, published
from services.analysis.views.cube import CUBE
from services.analysis.views.fact import LocatedReport, counted, present
from services.analysis.views.lateness import LATENESS
from services.analysis.views.rhythm import RHYTHM
from services.analysis.views.sources import SOURCES
from services.analysis.views.states import STATES

F = TypeVar("F", LocatedReport, ContextLocated)


@dataclass(frozen=True)
class Family(Generic[F]):
    """One kind of fact in one light: how it is read, which of it counts, and the views that are folded from it."""

    model: type[F]
    counts: Callable[[F], Any]
    """The fact as its views take it, None when it does not count."""
    views: tuple[View[Any], ...]


REPORTS = Family(LocatedReport, counted, (CUBE, RHYTHM, CELLS, STATES, SOURCES, LATENESS))
PRESENCE = Family(LocatedReport, present, (ACTIVITY,))
CONTEXT = Family(ContextLocated, published, (CONTEXT_DAYS,))
FAMILIES: tuple[Family[Any], ...] = (REPORTS, PRESENCE, CONTEXT)
BY_NAME: dict[str, View[Any]] = {view.name: view for family in FAMILIES for view in family.views}


def family_of(view: View[Any]) -> Family[Any]:
    """The kind of fact that a view is folded from."""
    return next(family for family in FAMILIES if view in family.views)


def _code(module: ModuleType) -> str:
    """A module's code without docstrings, comments and layout: only what can change a number."""
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]  # every node with a list of statements
                s
                for s in body
                if not (
                    isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant) and isinstance(s.value.value, str)
                )
            ] or [ast.Pass()]
    return ast.unparse(tree)


@cache
def definition(view: View[Any]) -> str:
    """Fingerprint of everything that decides a view's rows.

    Its module, the shared arithmetic, how a fact is read and counted, and the taxonomy.
    """
    modules = [
        sys.modules[view.contributions.__module__],
        sys.modules[View.__module__],
        sys.modules[family_of(view).counts.__module__],
        sys.modules["schemas.taxonomy"],
    ]
    parts = [_code(m) for m in modules] + [resources.files("schemas.taxonomy").joinpath("v1.json").read_text("utf-8")]
    return blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()
