"""How a municipality's messages are routed: saved revision by revision, and explained before it is."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from services.notify.domain.notices import Notice
from services.notify.domain.pacing import before_meeting, when
from services.notify.domain.plan import Plan
from services.notify.domain.preferences import Preferences
from services.notify.domain.routing import INVITED, Subscription, Told, held, route
from services.notify.gateways.apprised import usable
from services.notify.gateways.outside import Outside, Refused
from services.notify.gateways.posted import Address
from services.notify.handlers.digesting import agenda_notice
from services.notify.handlers.rules import rules_of
from services.notify.handlers.seals import PLACE, ROTA
from services.notify.handlers.telling import announce, single
from services.notify.store import alerts, devices, people, plans, rotas, subscriptions
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.mail import ADDRESS
from services.runtime.sealing import Sealer

INVITATION_KEPT = timedelta(days=3)


class BadAddress(Exception):
    """An address that cannot be used; the text says why, in the user's language."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One receiver of an example: when, and by which of their ways; ``followed``: what of theirs it is about."""

    told: Told
    at: datetime
    ways: tuple[str, ...]
    followed: tuple[Subscription, ...] = ()


def _signs(secret: str) -> bool:
    """Whether a secret is one of Standard Webhooks'."""
    try:
        return secret.startswith("whsec_") and bool(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
    except ValueError:
        return False


class Planning:
    """The use cases of the administrator."""

    def __init__(
        self, database: Database, outside: Outside, sealer: Sealer, *, apprise_schemes: Sequence[str] = ()
    ) -> None:
        self._database, self._outside, self._sealer = database, outside, sealer
        self._schemes = frozenset(apprise_schemes)

    async def save(self, kommun: str, revision: int, plan: Plan) -> bool:
        """Keep the plan that follows ``revision``; False when somebody else was first."""
        async with self._database.transaction((kommun,)) as connection:
            await subscriptions.know(connection, (kommun,))
            return await plans.save(connection, kommun, revision, plan)

    async def holder(self, kommun: str, notice: Notice, plan: Plan) -> str | None:
        """The kind of open alert that would hold this notice back now; None when none does."""
        async with self._database.transaction((kommun,)) as connection:
            open_kinds = await alerts.open_kinds(connection, kommun, {h.by for h in plan.holds})
        return held(plan, open_kinds, notice)

    async def explain(
        self, kommun: str, notice: Notice, plan: Plan | None = None, *, at: datetime | None = None
    ) -> list[Explained]:
        """Who would be told of a notice by a plan (the one in force when None), when and by which ways.

        ``at``: the moment at which it comes; now when None.

        By the same function that routes real messages; what was told lately, caps and silences are left out.
        """
        now = at or datetime.now(UTC)
        async with self._database.transaction((kommun,)) as connection:
            current, followers = (await rules_of(connection, {kommun}))[kommun]
            chosen = plan or current
            roster = await people.roster(connection, kommun, now)
            wanted = await subscriptions.preferences(connection, kommun, roster.members)
            with_devices = await devices.who(connection, kommun)
            kinds = {r.destination_id: r.kind for r in await plans.places(connection, kommun)}
        found, following = [], list(followers.of(notice))
        for told in route(chosen, followers, roster, notice):
            own = wanted.get(told.receiver.ident, Preferences())
            if not own.wants(agenda=notice.kind == "agenda", urgent=told.policy.urgent):
                continue
            outside = kinds.get(told.receiver.ident)
            having = told.receiver.ident in with_devices
            ways = (outside,) if outside is not None else own.ways(urgent=told.policy.urgent, devices=having)
            mine = tuple(s for s in following if s.person_id == told.receiver.ident)
            found.append(Explained(told, when(now, chosen, told, notice.kind, own), ways, mine))
        return found

    async def invite(self, kommun: str) -> int:
        """A calendar's invitation to the standing meeting, to everybody who gets the agenda; returns how many they are.

        One that is sent later takes the place of the earlier in their calendars.
        """
        now, ident = datetime.now(UTC), uuid4()
        async with self._database.transaction((kommun,)) as connection:
            _, plan = await plans.plan(connection, kommun)
        begins = before_meeting(now, plan.meeting)
        event = {"invitation": int(now.timestamp()), "begins": begins.isoformat(), "weeks": plan.meeting.weeks}
        event["only"] = "mail"
        invited = [
            (e.told.receiver, (INVITED,))
            for e in await self.explain(kommun, agenda_notice(kommun, now, event), plan)
            if e.told.receiver.kind == "person"  # a place outside has no calendar
        ]
        alert = single(kommun, ident, "agenda", event, rule=INVITED, subject_id=ident, now=now)
        async with self._database.transaction((kommun,)) as connection:
            await announce(connection, alert, invited, at=now, reason="asked", kept_for=INVITATION_KEPT)
        return len(invited)

    async def add_place(self, kommun: str, *, kind: str, label: str, url: str, secret: str) -> UUID:
        """Keep a place outside; BadAddress."""
        if kind == "mail":
            if not re.fullmatch(ADDRESS, url):
                raise BadAddress(text("places.no_mailbox"))
        elif kind == "apprise":
            if not usable(url, self._schemes):
                raise BadAddress(text("places.scheme"))
        else:
            await self._checked(url)
        if kind == "webhook" and not _signs(secret):
            raise BadAddress(text("places.secret_webhook"))
        ident = uuid4()
        sealed = self._sealer.seal(PLACE, Address(url=url, secret=secret).model_dump_json())
        async with self._database.transaction((kommun,)) as connection:
            await plans.add_place(connection, kommun, ident, kind=kind, label=label, sealed=sealed)
        return ident

    async def put_rota(self, kommun: str, name: str, url: str) -> None:
        """Keep a rota's address; BadAddress."""
        await self._checked(url)
        async with self._database.transaction((kommun,)) as connection:
            await subscriptions.know(connection, (kommun,))
            await rotas.put(connection, kommun, name, self._sealer.seal(ROTA, url))

    async def _checked(self, url: str) -> None:
        try:
            await self._outside.check(url)
        except Refused as refused:
            raise BadAddress(text("places.bad_address", why=text(f"places.why_{refused.reason}"))) from None
