"""The catalogue of texts: everything people read, by key, one file per language.

Keys are the names of ``sv.toml``; ``{name}`` is a value. A missing key is an error at once, never a blank page.
"""

import tomllib
from functools import cache
from importlib import resources

LANGUAGE = "sv"


@cache
def catalogue(language: str = LANGUAGE) -> dict[str, str]:
    """Key → text, keys joined by dots."""
    tables = tomllib.loads(resources.files(__name__).joinpath(f"{language}.toml").read_text("utf-8"))
    return {f"{group}.{key}": value for group, texts in tables.items() for key, value in texts.items()}


def text(key: str, /, **values: object) -> str:
    """The text with its values filled in; KeyError for a key or value that is missing."""
    return catalogue()[key].format_map(values)
