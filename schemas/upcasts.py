"""Pure upgrades of old message versions to the current one, run before validation.

Version 1 of every topic is current, so the table is empty; an entry ``(topic, n)`` turns version n into n + 1.
"""

from collections.abc import Callable, Mapping
from typing import Any

Payload = dict[str, Any]
UPCASTS: Mapping[tuple[str, int], Callable[[Payload], Payload]] = {}


class UnknownVersion(ValueError):
    """The message's version is newer than this program, or too old to upgrade."""


def upcast(topic: str, version: int, current: int, payload: Payload) -> Payload:
    """``payload`` in the current version; raises UnknownVersion when there is no way there."""
    if version > current:
        raise UnknownVersion(f"{topic} version {version} is newer than this program knows ({current})")
    for step in range(version, current):
        try:
            payload = UPCASTS[topic, step](payload)
        except KeyError:
            raise UnknownVersion(f"{topic} version {step} can no longer be upgraded") from None
    return payload
