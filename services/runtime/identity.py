"""The identity check: record key, envelope header and body must name the same municipality."""

import re
from functools import cache
from typing import Any

from schemas.envelope import Envelope
from services.runtime.errors import Permanent

_CODE = re.compile(r"[0-9]{4}")
"""Readers that read only what their room needs do not look at it."""


@cache
def _inside(model: type[Any]) -> str | None:
    """The field that holds the message of an earlier hop, if the model has one."""
    return next((name for name in ("report", "context") if name in model.__annotations__), None)


def check_owner(key: bytes | None, envelope: Envelope, body: Any) -> str:
    """The municipality that owns the record.

    Raises Permanent ``owner_mismatch`` when the three do not agree; such a record belongs to nobody.
    """
    inside = _inside(body.__class__)
    owner: str | None = getattr(body, "kommun", None)
    inner = owner if inside is None else getattr(body, inside).kommun
    if owner is None or key is None or not (key == owner.encode() and envelope.partitionkey == owner == inner):
        raise Permanent("owner_mismatch", "record key, ce_partitionkey and the body's kommun do not agree")
    if not _CODE.fullmatch(owner):
        raise Permanent("owner_mismatch", "kommun is not four digits")
    return owner
