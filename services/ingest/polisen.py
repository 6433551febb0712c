"""The public event format of polisen.se, read strictly: what is an item, when did it happen, which place is named.

Format: ``{id, datetime, name, summary, url, type, location{name, gps}}``, or a line of the archive with that under
``e`` and the time it was seen under ``seen``. ``gps`` is the centre of a municipality or county, never the scene,
and is not used (domain reference §9.3).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

from schemas.context import ContextReceived
from schemas.values import CONTEXT_OWNER

PUBLISHER = "polisen"
_NAMESPACE = uuid5(NAMESPACE_URL, "https://polisen.se/api/events")
_SWEDEN = ZoneInfo("Europe/Stockholm")
_MONTHS = {
    name: number
    for number, name in enumerate(
        "januari februari mars april maj juni juli augusti september oktober november december".split(), start=1
    )
}
_STAMP = re.compile(r"^(\d{4})-(\d{2})-(\d{2}) (\d{1,2}):(\d{2}):(\d{2}) ([+-]\d{2}:\d{2})$")
_HEADLINE = re.compile(r"^(\d{1,2}) ([a-zåäö]+)(?: (\d{1,2})[.:](\d{2}))?", re.IGNORECASE)


class BadItem(Exception):
    """The item cannot be used; ``reason`` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Item:
    """One version of one published item."""

    publisher_id: str
    seen: datetime
    published_at: datetime
    content: Mapping[str, Any]

    @property
    def context_id(self) -> UUID:
        """Stable identity of the item."""
        return uuid5(_NAMESPACE, self.publisher_id)

    @property
    def content_hash(self) -> str:
        """Fingerprint of everything the publisher said."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_item(raw: object, fetched_at: datetime) -> Item:
    """An item from one parsed JSON value; ``fetched_at`` is its version where the line has no ``seen``."""
    if not isinstance(raw, dict):
        raise BadItem("not_an_object")
    inner = raw.get("e", raw)
    if not isinstance(inner, dict):
        raise BadItem("not_an_object")
    if not isinstance(inner.get("id"), int | str) or not 0 < len(str(inner["id"]).strip()) <= 64:
        raise BadItem("missing_id")
    for field in ("type", "name"):
        if not isinstance(inner.get(field), str) or not inner[field].strip():
            raise BadItem(f"missing_{field}")
    return Item(str(inner["id"]), _seen(raw, fetched_at), _published(inner.get("datetime")), inner)


def _seen(raw: Mapping[str, Any], fetched_at: datetime) -> datetime:
    if "seen" not in raw:
        return fetched_at
    try:
        seen = datetime.fromisoformat(raw["seen"])
    except (TypeError, ValueError):
        raise BadItem("bad_seen") from None
    if seen.tzinfo is None:
        raise BadItem("bad_seen")
    return seen.astimezone(UTC)


def _published(value: object) -> datetime:
    """The publisher's timestamp; its hour may lack a leading zero (``9:13:04``)."""
    match = _STAMP.match(value) if isinstance(value, str) else None
    if match is None:
        raise BadItem("bad_datetime")
    year, month, day, hour, minute, second, offset = match.groups()
    try:
        return datetime.fromisoformat(f"{year}-{month}-{day}T{int(hour):02d}:{minute}:{second}{offset}").astimezone(UTC)
    except ValueError:
        raise BadItem("bad_datetime") from None


def occurred_at(headline: str, published_at: datetime) -> datetime | None:
    """The time in a headline such as ``25 mars 21:15, Fylleri/LOB, Stockholm``; None where there is no clock.

    The year is the latest that does not put the event more than a day after publication.
    """
    match = _HEADLINE.match(headline.strip())
    if match is None or match.group(3) is None or match.group(2).lower() not in _MONTHS:
        return None
    month = _MONTHS[match.group(2).lower()]
    local = published_at.astimezone(_SWEDEN)
    for year in (local.year + 1, local.year, local.year - 1):
        try:
            moment = datetime(
                year, month, int(match.group(1)), int(match.group(3)), int(match.group(4)), tzinfo=_SWEDEN
            )
        except ValueError:
            continue
        if moment <= local + timedelta(days=1):
            return moment.astimezone(UTC)
    return None


def title_place(headline: str) -> str | None:
    """The place after the last comma of a headline; kept as written, matched exactly by geo or not at all."""
    head, comma, place = headline.rpartition(",")
    return place.strip()[:120] or None if comma and head else None


def to_event(item: Item, revision: int, now: datetime) -> ContextReceived:
    """The item as the other rooms see it: no headline, no summary."""
    content = item.content
    location = content.get("location")
    named = location.get("name") if isinstance(location, dict) else None
    url = content.get("url")
    return ContextReceived(
        kommun=CONTEXT_OWNER,
        context_id=item.context_id,
        revision=revision,
        publisher="polisen",
        publisher_id=item.publisher_id,
        event_type=content["type"].strip()[:120],
        published_at=item.published_at,
        occurred_at=occurred_at(content["name"], item.published_at),
        location_name=named.strip()[:120] if isinstance(named, str) and named.strip() else None,
        title_place=title_place(content["name"]),
        url_path=url[:300] if isinstance(url, str) and url.startswith("/") else None,
        minted_at=now,
    )
