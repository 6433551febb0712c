"""The catalogue of texts: everything people read, by key, one file per language.

Keys are the names of ``sv.toml``; ``{name}`` is a value. A missing key is an error at once, never a blank page.
Pages are in Swedish; another language has what messages say, and falls back to Swedish for the rest.
"""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from typing import Literal

Language = Literal["sv", "en"]
LANGUAGE: Language = "sv"
_spoken: ContextVar[Language] = ContextVar("language", default=LANGUAGE)


@cache
def catalogue(language: str = LANGUAGE) -> dict[str, str]:
    """Key → text, keys joined by dots."""
    tables = tomllib.loads(resources.files(__name__).joinpath(f"{language}.toml").read_text("utf-8"))
    return {f"{group}.{key}": value for group, texts in tables.items() for key, value in texts.items()}


def spoken() -> Language:
    """The language of what is being put into words."""
    return _spoken.get()


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Inside, in this task, texts, numbers and days are in ``language``."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def text(key: str, /, **values: object) -> str:
    """The text with its values filled in; KeyError for a key or value that is missing."""
    said = catalogue(_spoken.get()).get(key)
    return (catalogue()[key] if said is None else said).format_map(values)
