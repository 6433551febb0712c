"""Putting a message together just before it leaves: what the alerts say now, to which address, and why."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.alerts import Alert
from services.notify.domain.pacing import awake
from services.notify.domain.plan import nodes
from services.notify.domain.preferences import Preferences
from services.notify.domain.routing import FOLLOWED
from services.notify.gateways.channel import Message
from services.notify.gateways.rooms import Directory, Picture, Places
from services.notify.settings import NotifySettings
from services.notify.store import alerts, deliveries, people, plans, queue, subscriptions
from services.notify.store.deliveries import Entry
from services.notify.wording.alerts import Known, describe, said
from services.notify.wording.messages import Frame, message, reasons
from services.runtime.asking import Away
from services.runtime.database import Database
from services.runtime.errors import Permanent
from services.runtime.sealing import Sealer, Unsealable

LINKS = {"stop": ("/utskick/av", timedelta(days=60)), "receipt": ("/v1/receipts/sms", timedelta(days=3))}
"""Purpose of a link → where it leads, and how long it holds."""
SHOWN = 30
"""Alerts that one message spells out; of the others it says how many there are."""
PLACE = "place"
"""The purpose for which addresses of places outside are sealed."""


class Composing:
    """Knows the receivers' ways and addresses, and puts words together."""

    def __init__(
        self,
        database: Database,
        settings: NotifySettings,
        *,
        directory: Directory,
        places: Places,
        picture: Picture,
        sealer: Sealer,
    ) -> None:
        self._database, self._settings, self._sealer = database, settings, sealer
        self._directory, self._places, self._picture = directory, places, picture

    async def ways(self, connection: AsyncConnection, kommun: str, row: Row[Any], *, urgent: bool) -> tuple[str, ...]:
        """The channels to try for a receiver, in order; none when they are gone."""
        if row.receiver == "destination":
            place = await plans.place(connection, kommun, row.person_id)
            return (place.kind,) if place is not None and place.active else ()
        wanted = await self._preferences(connection, kommun, row.person_id)
        sms = bool(self._settings.sms_providers)
        return tuple(w for w in wanted.ways(urgent=urgent) if w == "mail" or sms)

    @staticmethod
    def health_of(row: Row[Any], channel: str) -> str:
        """Under which name a channel's health is kept: places outside have their own each."""
        return str(row.person_id) if row.receiver == "destination" else channel

    async def compose(self, kommun: str, rows: Sequence[Row[Any]], ident: str, channel: str) -> tuple[Message, str]:
        """(message, address). Permanent ``no_such_person`` when the door knows them no more; Away."""
        lead = rows[0]
        person = lead.receiver == "person"
        mail = await self._mail_address(kommun, lead.person_id) if person else ""
        async with self._database.transaction((kommun,)) as connection:
            found = await alerts.many(connection, kommun, {r.alert_id for r in rows})
            _, plan = await plans.plan(connection, kommun)
            own = await subscriptions.own(connection, kommun, lead.person_id) if person else []
            wanted = await self._preferences(connection, kommun, lead.person_id) if person else Preferences()
            place = None if person else await plans.place(connection, kommun, lead.person_id)
        labels = {n.name: n.label for n, _ in nodes(plan.root)}
        rules = [rule for row in rows for rule in row.rules]
        followed = [describe(s, await self._places.named(kommun, s.area)) for s in own]
        first = sorted({r.alert_id: r for r in rows}.values(), key=lambda r: (not r.urgent, r.created_at))
        shown = [found[r.alert_id] for r in first[:SHOWN]]
        told = [(alert, said(alert, await self._known(alert))) for alert in shown]
        frame = Frame(
            public_url=self._settings.public_url,
            ident=ident,
            why=reasons(rules, labels, "; ".join(followed) if FOLLOWED in rules else None),
            urgent=any(r.urgent for r in rows),
            stop=self._link("stop", kommun, lead.person_id) if person and channel == "mail" else None,
            receipt_to=self._link("receipt", kommun, lead.delivery_id) if channel == "sms" else None,
            asked=person,
        )
        return message(told, frame, more=len(first) - len(shown)), self._address(channel, mail, wanted, place)

    def _address(self, channel: str, mail: str, wanted: Preferences, place: Row[Any] | None) -> str:
        if channel == "mail":
            return mail
        if channel == "sms":
            if wanted.phone is None:
                raise Permanent("no_number", "there is no number any more")
            return wanted.phone
        if place is None or not place.active:
            raise Permanent("no_such_receiver", "the place outside has been ended")
        try:
            return self._sealer.open(PLACE, place.sealed)
        except Unsealable as wrong:
            raise Permanent("unsealable", str(wrong)) from None

    async def _known(self, alert: Alert) -> Known:
        """What has to be asked for; a room that is away leaves its part out, the alert goes all the same."""
        area = await self._places.area_name(alert)
        case = organisation = None
        if alert.kind == "case":
            try:
                case = await self._picture.case(alert.kommun, alert.subject_id)
            except Away:
                case = None
        if alert.kind == "silent_source" and alert.event.get("organisation"):
            async with self._database.transaction((alert.kommun,)) as connection:
                names = dict(await people.organisations(connection, alert.kommun))
            organisation = names.get(UUID(alert.event["organisation"]))
        return Known(area, case, organisation)

    async def _mail_address(self, kommun: str, person: UUID) -> str:
        async with self._database.transaction((kommun,)) as connection:
            kept = await people.contact(connection, kommun, person)
        if kept is not None and kept[1]:
            return kept[0]
        try:
            fresh = await self._directory.email(kommun, person)
        except Away:  # alarms go out while the door is away, by an address of today
            if kept is None:
                raise
            return kept[0]
        if fresh is None:
            raise Permanent("no_such_person", "the directory knows no such person")
        async with self._database.transaction((kommun,)) as connection:
            await people.keep_contact(connection, kommun, person, fresh)
        return fresh

    @staticmethod
    async def _preferences(connection: AsyncConnection, kommun: str, person: UUID) -> Preferences:
        return (await subscriptions.preferences(connection, kommun, [person])).get(person, Preferences())

    def _link(self, purpose: str, kommun: str, ident: UUID) -> str | None:
        """An address that says by itself for what, whose and until when (Unix seconds); None without a secret."""
        path, lasts = LINKS[purpose]
        until = int((datetime.now(UTC) + lasts).timestamp())
        try:
            sealed = self._sealer.seal(purpose, orjson.dumps([kommun, str(ident), until]).decode())
        except Unsealable:
            return None
        return f"{self._settings.public_url}{path}?t={sealed}"

    async def repeat(self, connection: AsyncConnection, kommun: str, rows: Sequence[Row[Any]], now: datetime) -> None:
        """Enter the next telling of alerts that are told again until somebody takes them."""
        again = [r for r in rows if r.repeat_hours is not None]
        open_ones = await alerts.many(connection, kommun, {r.alert_id for r in again}) if again else {}
        _, plan = await plans.plan(connection, kommun)
        for row in again:
            alert = open_ones.get(row.alert_id)
            if alert is None or alert.closed_at is not None or alert.owner is not None:
                continue
            at = now + timedelta(hours=row.repeat_hours)
            at = at if row.urgent else awake(at, plan.quiet)
            entry = Entry(
                delivery_id=uuid4(), receiver=row.receiver, receiver_id=row.person_id, alert_id=row.alert_id,
                subject_id=row.subject_id, kind=row.kind, rule=row.rule, rules=tuple(row.rules), urgent=row.urgent,
                interval_minutes=30, repeat_hours=row.repeat_hours, correlation_id=row.correlation_id,
                deadline=at + timedelta(hours=self._settings.alert_deadline_hours), reason="repeat",
            )  # fmt: skip
            standing = await deliveries.add(connection, kommun, [entry])
            await queue.put(connection, "send", [(i, kommun, at, row.person_id) for i in standing.values()])


def opened(sealer: Sealer, purpose: str, token: str, now: datetime) -> tuple[str, UUID] | None:
    """(municipality, id) that a token of this purpose names; None when it is not ours, or too old."""
    try:
        kommun, ident, until = orjson.loads(sealer.open(purpose, token))
        return (str(kommun), UUID(ident)) if now.timestamp() <= until else None
    except (Unsealable, ValueError):
        return None
