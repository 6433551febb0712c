"""How tests ask over HTTP: no proxy of the machine's, and a patience that a slow machine does not use up."""

from typing import Any

import httpx

PATIENCE = 60.0
"""Seconds. A test is about what is answered; how soon is a benchmark's matter, and CI may be five times slower."""


def asking(base_url: str = "", **settings: Any) -> httpx.AsyncClient:
    """A client like httpx's own; ``settings`` are its arguments."""
    return httpx.AsyncClient(base_url=base_url, **({"trust_env": False, "timeout": PATIENCE} | settings))
