"""What the voice seals by the instance's secret, each for one purpose: addresses at rest, links in messages, codes."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from services.runtime.sealing import Sealer, Unsealable

PLACE, DEVICE, ROTA = "place", "device", "rota"
"""Purposes of addresses at rest: places outside, people's devices, calendars of duty."""
LINKS = {"stop": ("/utskick/av", timedelta(days=60)), "receipt": ("/v1/receipts/sms", timedelta(days=3))}
"""Purpose of a link → where it leads, and how long it holds."""


def link(sealer: Sealer, public_url: str, purpose: str, kommun: str, ident: UUID) -> str | None:
    """An address that says by itself for what, whose and until when (Unix seconds); None without a secret."""
    path, lasts = LINKS[purpose]
    until = int((datetime.now(UTC) + lasts).timestamp())
    try:
        sealed = sealer.seal(purpose, orjson.dumps([kommun, str(ident), until]).decode())
    except Unsealable:
        return None
    return f"{public_url}{path}?t={sealed}"


def opened(sealer: Sealer, purpose: str, token: str, now: datetime) -> tuple[str, UUID] | None:
    """(municipality, id) that a token of this purpose names; None when it is not ours, or too old."""
    try:
        kommun, ident, until = orjson.loads(sealer.open(purpose, token))
        return (str(kommun), UUID(ident)) if now.timestamp() <= until else None
    except (Unsealable, ValueError):
        return None


def code_of(sealer: Sealer, kommun: str, person: UUID, phone: str, until: datetime) -> str:
    """Six digits that follow from the instance's secret: the same whenever the message is put together."""
    said = f"{kommun}/{person}/{phone}/{until.astimezone(UTC).isoformat()}"
    return f"{int.from_bytes(sealer.digest('code', said)[:8]) % 1_000_000:06d}"
