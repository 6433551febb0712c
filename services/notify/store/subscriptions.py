"""SQL of what people follow and how they want to be told."""

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.preferences import Preferences
from services.notify.domain.routing import Subscription
from services.pages.texts import Language

_SUBSCRIPTIONS = text("""
    select kommun, subscription_id, person_id, layer, area, types, min_severity from subscriptions
    where active and kommun = any(cast(:kommuner as text[])) order by kommun, subscription_id""")
_OWN = text("""
    select kommun, subscription_id, person_id, layer, area, types, min_severity from subscriptions
    where active and kommun = :kommun and person_id = :person order by created_at""")
_ADD = text("""
    insert into subscriptions (kommun, subscription_id, person_id, layer, area, types, min_severity)
    values (:kommun, :id, :person, :layer, :area, :types, :severity)""")
_END = text("""
    update subscriptions set active = false
    where kommun = :kommun and subscription_id = :id and person_id = :person and active""")
_KNOWN = text("insert into owners (kommun) select unnest(cast(:k as text[])) on conflict do nothing")
_KOMMUNER = text("select kommun from owners order by kommun")
_PREFERENCES = text("""
    select person_id, document, phone from preferences
    where kommun = :kommun and person_id = any(cast(:people as uuid[]))""")
_PREFER = text("""
    insert into preferences (kommun, person_id, document, phone)
    values (:kommun, :person, cast(:document as jsonb), :phone)
    on conflict (kommun, person_id) do update
    set document = excluded.document, phone = excluded.phone, changed_at = now()""")


_EAGER = text("""
    select distinct kommun from preferences
    where kommun = any(cast(:kommuner as text[])) and document->>'feedback' = 'each'""")
_LANGUAGES = text("""
    select distinct document->>'language' as language from preferences
    where kommun = :kommun and document ? 'language'""")


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        row.kommun, row.subscription_id, row.person_id, row.layer, row.area, tuple(row.types), row.min_severity
    )


async def eager(connection: AsyncConnection, kommuner: Collection[str]) -> frozenset[str]:
    """Municipalities of these in which somebody wants word of each of their reports."""
    return frozenset(r.kommun for r in await connection.execute(_EAGER, {"kommuner": sorted(kommuner)}))


async def languages(connection: AsyncConnection, kommun: str) -> frozenset[Language]:
    """The languages that people of a municipality have chosen for their messages."""
    return frozenset(r.language for r in await connection.execute(_LANGUAGES, {"kommun": kommun}))


async def active(connection: AsyncConnection, kommuner: Collection[str]) -> list[Subscription]:
    """The active subscriptions of these municipalities."""
    return [_subscription(r) for r in await connection.execute(_SUBSCRIPTIONS, {"kommuner": sorted(kommuner)})]


async def own(connection: AsyncConnection, kommun: str, person: UUID) -> list[Subscription]:
    """One person's active subscriptions."""
    return [_subscription(r) for r in await connection.execute(_OWN, {"kommun": kommun, "person": person})]


async def add(connection: AsyncConnection, new: Subscription) -> None:
    """Keep a new subscription."""
    await connection.execute(
        _ADD,
        {
            "kommun": new.kommun,
            "id": new.subscription_id,
            "person": new.person_id,
            "layer": new.layer,
            "area": new.area,
            "types": list(new.types),
            "severity": new.min_severity,
        },
    )
    await know(connection, {new.kommun})


async def end(connection: AsyncConnection, kommun: str, ident: UUID, person: UUID) -> bool:
    """End one's own subscription; False when there is none."""
    answer = await connection.execute(_END, {"kommun": kommun, "id": ident, "person": person})
    return bool(answer.rowcount)


async def know(connection: AsyncConnection, kommuner: Collection[str]) -> None:
    """These municipalities exist: their people are looked up, their scheduled tasks run."""
    await connection.execute(_KNOWN, {"k": sorted(kommuner)})


async def known(connection: AsyncConnection) -> list[str]:
    """Every municipality that the voice has heard of."""
    return [r.kommun for r in await connection.execute(_KOMMUNER)]


async def preferences(connection: AsyncConnection, kommun: str, people: Collection[UUID]) -> dict[UUID, Preferences]:
    """How these people want to be told; those who have said nothing are not in it."""
    rows = await connection.execute(_PREFERENCES, {"kommun": kommun, "people": sorted(people)})
    return {r.person_id: Preferences.model_validate(r.document | {"phone": r.phone}, extra="ignore") for r in rows}


async def own_preferences(connection: AsyncConnection, kommun: str, person: UUID) -> Preferences:
    """How a person wants to be told; the default for who has said nothing."""
    return (await preferences(connection, kommun, [person])).get(person, Preferences())


async def prefer(connection: AsyncConnection, kommun: str, person: UUID, wanted: Preferences) -> None:
    """Keep how a person wants to be told."""
    document = json.dumps(wanted.model_dump(mode="json", exclude={"phone"}))
    values = {"kommun": kommun, "person": person, "document": document, "phone": wanted.phone}
    await connection.execute(_PREFER, values)
