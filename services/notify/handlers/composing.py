"""Putting a message together just before it leaves: what the alerts say now, to which address, and why."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.alerts import LASTING, Alert
from services.notify.domain.bounces import comes_back_to
from services.notify.domain.pacing import awake
from services.notify.domain.plan import Plan, nodes
from services.notify.domain.routing import FOLLOWED, Receiver, Subscription
from services.notify.gateways.channel import Message
from services.notify.gateways.posted import Address
from services.notify.gateways.push import Device, addresses
from services.notify.gateways.rooms import MOST_ASKED, Directory, Picture, Places
from services.notify.handlers.parcels import Parcel, Reach
from services.notify.handlers.seals import DEVICE, PLACE, code_of, link
from services.notify.handlers.telling import about, tell
from services.notify.settings import NotifySettings
from services.notify.store import alerts, people, plans, subscriptions
from services.notify.wording.alerts import Known, describe, said
from services.notify.wording.messages import Frame, message, reasons
from services.pages.texts import speaking
from services.runtime.asking import Away
from services.runtime.database import Database
from services.runtime.errors import Permanent
from services.runtime.sealing import Sealer, Unsealable

PLAN_SECONDS, AWAY_SECONDS = 2.0, 5.0
WHOLE = frozenset({"analytiker", "administrator"})
"""Who gets the whole agenda, whatever their department."""
SHOWN = 30
"""Alerts that one message spells out; of the others it says how many there are."""


def order(row: Row[Any]) -> tuple[bool, bool, datetime]:
    """What stands first in a message: the urgent, then what is found on no list of what goes on, then the oldest."""
    return not row.urgent, row.kind in LASTING, row.created_at


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
        self._plans: dict[str, tuple[float, Plan]] = {}
        self._away: dict[str, float] = {}
        self._asking: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def reach(self, connection: AsyncConnection, kommun: str, row: Row[Any]) -> Reach:
        """What is known of a receiver: a person's wishes and the copy of their address, or a place outside."""
        if row.receiver == "destination":
            return Reach(place=await plans.place(connection, kommun, row.person_id))
        return Reach(True, await people.reached(connection, kommun, row.person_id))

    def ways(self, reach: Reach, *, urgent: bool) -> tuple[str, ...]:
        """The channels to try for a receiver, in order; none when they are gone."""
        if not reach.person:
            return (reach.place.kind,) if reach.place is not None and reach.place.active else ()
        ends, sms = reach.ends, bool(self._settings.sms_providers)
        return tuple(w for w in ends.wanted.ways(urgent=urgent, devices=bool(ends.devices)) if w != "sms" or sms)

    async def plan(self, connection: AsyncConnection, kommun: str) -> Plan:
        """The plan in force, known for two seconds: a storm asks for it thousands of times."""
        kept = self._plans.get(kommun)
        if kept is None or time.monotonic() - kept[0] > PLAN_SECONDS:
            _, plan = await plans.plan(connection, kommun)
            kept = self._plans[kommun] = (time.monotonic(), plan)
        return kept[1]

    def most_per_second(self, channel: str) -> float | None:
        """How many messages a channel is given in a second; None: as many as there are."""
        return self._settings.most_per_second.get(channel)

    @staticmethod
    def health_of(row: Row[Any], channel: str) -> str:
        """Under which name a channel's health is kept: places outside have their own each."""
        return str(row.person_id) if row.receiver == "destination" else channel

    async def compose(self, parcel: Parcel) -> tuple[Message, str]:
        """(message, address). Permanent ``no_such_person`` when the door knows them no more; Away."""
        kommun, rows, lead, reach = parcel.kommun, parcel.rows, parcel.lead, parcel.reach
        channel = parcel.channel
        feedback = all(r.kind == "feedback" for r in rows)
        mail = ""
        if reach.person:
            try:
                mail = await self._mail_address(kommun, lead.person_id, reach.ends.contact, feedback)
            except Away:  # who is in the roster of the last minutes is told by SMS all the same
                if channel == "mail":
                    raise
        first = sorted({r.alert_id: r for r in rows}.values(), key=order)
        every = [parcel.alerts[r.alert_id] for r in first]
        known = [(alert, await self._known(alert, lead.person_id, reach)) for alert in every[:SHOWN]]
        followed = await self._followed(kommun, lead.person_id, rules := [rule for row in rows for rule in row.rules])
        address = self._address(channel, mail, reach, code=lead.kind == "code")
        with speaking(reach.ends.wanted.language):
            return self._put(parcel, known, self._why(kommun, rules, followed), every[SHOWN:]), address

    def _put(
        self, parcel: Parcel, known: Sequence[tuple[Alert, Known]], why: tuple[str, ...], others: Sequence[Alert]
    ) -> Message:
        """In the language that is spoken; nothing is asked for here any more."""
        kommun, rows, lead, reach, channel = parcel.kommun, parcel.rows, parcel.lead, parcel.reach, parcel.channel
        frame = Frame(
            public_url=self._settings.public_url,
            ident=parcel.ident,
            why=why,
            urgent=any(r.urgent for r in rows),
            stop=link(self._sealer, self._settings.public_url, "stop", kommun, lead.person_id)
            if reach.person and channel == "mail"
            else None,
            receipt_to=self._receipt_to(channel, kommun, lead.delivery_id),
            asked=reach.person,
            change="/utskick/aterkoppling" if all(r.kind == "feedback" for r in rows) else "/utskick",
        )
        return message([(alert, said(alert, of)) for alert, of in known], frame, others)

    async def _followed(self, kommun: str, person: UUID, rules: list[str]) -> list[tuple[Subscription, str | None]]:
        """What they follow, with the areas' names; asked for only where that is why they get it."""
        if FOLLOWED not in rules and kommun in self._plans:
            return []
        async with self._database.transaction((kommun,)) as connection:
            await self.plan(connection, kommun)
            own = await subscriptions.own(connection, kommun, person) if FOLLOWED in rules else []
        return [(s, await self._places.followed(kommun, s.layer, s.area)) for s in own]

    def _why(
        self, kommun: str, rules: list[str], followed: Sequence[tuple[Subscription, str | None]]
    ) -> tuple[str, ...]:
        labels = {n.name: n.label for n, _ in nodes(self._plans[kommun][1].root)}
        return reasons(rules, labels, "; ".join(describe(*one) for one in followed) or None)

    def _receipt_to(self, channel: str, kommun: str, delivery: UUID) -> str | None:
        """Where the other side says afterwards what became of a message."""
        if channel == "mail":
            return comes_back_to(self._settings.bounce_address, kommun, delivery)
        if channel == "sms":
            return link(self._sealer, self._settings.public_url, "receipt", kommun, delivery)
        return None

    def _address(self, channel: str, mail: str, reach: Reach, *, code: bool) -> str:
        place = reach.place
        if channel == "mail" and reach.person:
            return mail
        if channel == "sms":
            waits = reach.ends.unproved
            number = (waits and waits[0]) if code else reach.ends.wanted.phone
            if number is None:
                raise Permanent("no_number", "there is no number any more")
            return number
        try:
            if channel == "push":
                found = [(i, Device.model_validate_json(self._sealer.open(DEVICE, s))) for i, s in reach.ends.devices]
                return addresses([device.model_copy(update={"ident": ident}) for ident, device in found])
            if place is None or not place.active:
                raise Permanent("no_such_receiver", "the place outside has been ended")
            sealed = self._sealer.open(PLACE, place.sealed)
            return Address.model_validate_json(sealed).url if channel == "mail" else sealed
        except Unsealable as wrong:
            raise Permanent("unsealable", str(wrong)) from None

    async def _known(self, alert: Alert, person: UUID, reach: Reach) -> Known:
        """What has to be asked for; a room that is away leaves its part out, the alert goes all the same."""
        if alert.kind == "code" and reach.ends.unproved is not None:
            return Known(code=code_of(self._sealer, alert.kommun, person, *reach.ends.unproved))
        if alert.kind == "agenda":
            return await self._extract(alert.kommun, person, reach)
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

    async def _extract(self, kommun: str, receiver: UUID, reach: Reach) -> Known:
        """What of an agenda concerns the receiver's department, or a place, where the municipality has said so."""
        kept = self._plans.get(kommun)
        if kept is not None and not kept[1].extracts:
            return Known()
        async with self._database.transaction((kommun,)) as connection:
            plan = await self.plan(connection, kommun)
            member = await people.member(connection, kommun, receiver) if reach.person else None
        if reach.place is not None:
            return Known(organisation=reach.place.label, interest=plan.extracts.get(receiver))
        if member is None or WHOLE & set(member.roles):
            return Known()
        return Known(organisation=member.organisation, interest=plan.extracts.get(member.organisation_id))

    async def _mail_address(self, kommun: str, person: UUID, kept: tuple[str, bool] | None, feedback: bool) -> str:
        """Asked for with those of who comes next: a digest to thousands is no thousands of questions."""
        if kept is not None and kept[1]:
            return kept[0]
        async with self._asking[kommun]:
            async with self._database.transaction((kommun,)) as connection:
                kept = await people.contact(connection, kommun, person)  # another sender may just have asked
                if kept is not None and kept[1]:
                    return kept[0]
                also = await people.to_be_reached(connection, kommun, MOST_ASKED - 1, feedback=feedback)
            try:
                fresh = await self._emails(kommun, {person, *also}, feedback=feedback)
            except Away:  # alarms go out while the door is away, by an address of today
                if kept is None:
                    raise
                return kept[0]
            async with self._database.transaction((kommun,)) as connection:
                await people.keep_contacts(connection, kommun, fresh)
        if person not in fresh:
            raise Permanent("no_such_person", "the directory knows no such person")
        return fresh[person]

    async def _emails(self, kommun: str, asked: set[UUID], *, feedback: bool) -> dict[UUID, str]:
        """From the door; one that did not answer a moment ago is not waited for by everybody in turn."""
        if time.monotonic() < self._away.get(kommun, 0.0):
            raise Away("ingest did not answer a moment ago")
        try:
            return await self._directory.emails(kommun, asked, feedback=feedback)
        except Away:
            self._away[kommun] = time.monotonic() + AWAY_SECONDS
            raise

    async def repeat(self, connection: AsyncConnection, kommun: str, rows: Sequence[Row[Any]], now: datetime) -> None:
        """Enter the next telling of alerts that are told again until somebody takes them."""
        again = [r for r in rows if r.repeat_hours is not None]
        if not again:
            return
        there = (await people.roster(connection, kommun, now)).members  # nothing of who was erased meanwhile
        again = [r for r in again if r.receiver != "person" or r.person_id in there]
        open_ones = await alerts.many(connection, kommun, {r.alert_id for r in again})
        plan = await self.plan(connection, kommun)
        for row in again:
            alert = open_ones.get(row.alert_id)
            if alert is None or alert.closed_at is not None or alert.owner is not None:
                continue
            at = now + timedelta(hours=row.repeat_hours)
            at = at if row.urgent else awake(at, plan.quiet)
            deadline = at + timedelta(hours=self._settings.alert_deadline_hours)
            entry = about(alert, Receiver(row.receiver, row.person_id), row.rules, urgent=row.urgent, reason="repeat",
                          deadline=deadline, repeat_hours=row.repeat_hours)  # fmt: skip
            await tell(connection, kommun, [(entry, at)])
