"""What people do about an alert: take it, let it go, want it quiet, say whether it was useful. Never by looking."""

from datetime import UTC, datetime
from uuid import UUID

from schemas.alerts import AlertAnswered
from schemas.envelope import Envelope, derived_id
from schemas.topics import ALERT_ANSWERED
from services.notify.domain.alerts import LASTING, Alert
from services.notify.domain.pacing import before_meeting
from services.notify.store import alerts as store
from services.notify.store import deliveries, ledger, plans, queue
from services.notify.store.people import NOBODY
from services.runtime import outbox
from services.runtime.database import Database
from services.runtime.publisher import message, type_of

SOURCE = "/lagesbild/notify"


class Answering:
    """The use cases, each for one person in their own municipality."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, kommun: str, ident: UUID, person: UUID, *, over: bool = False) -> Alert | None:
        """``Jag tar den``: the alert as it is afterwards, whoever has it then; None when there is none.

        ``over``: also from somebody else.
        """
        async with self._database.transaction((kommun,)) as connection:
            await store.take(connection, kommun, ident, person, datetime.now(UTC), over=over)
            return await store.readable(connection, kommun, ident, person)

    async def let_go(self, kommun: str, ident: UUID, person: UUID) -> Alert | None:
        """Whoever has it lets it go."""
        async with self._database.transaction((kommun,)) as connection:
            by = await store.let_go(connection, kommun, ident, person, datetime.now(UTC))
            if by is not None:
                await queue.put(connection, "pursue", [(ident, kommun, by, None)])
            return await store.readable(connection, kommun, ident, person)

    async def resolve(self, kommun: str, ident: UUID, person: UUID, *, any_one: bool = False) -> Alert | None:
        """Whoever has it ends it: nobody is reminded or asked any more, and what comes later is something new.

        ``any_one``: also for who has not taken it. The alert as it is afterwards; None when there is none.
        """
        async with self._database.transaction((kommun,)) as connection:
            alert = await store.one(connection, kommun, ident, lock=True)
            theirs = alert is not None and alert.kind in LASTING and (any_one or alert.owner == person)
            if theirs and await store.close(connection, kommun, ident, datetime.now(UTC)):
                await deliveries.withdraw(connection, kommun, [ident])  # nobody is told of what is dealt with
            return await store.readable(connection, kommun, ident, person)

    async def silence(self, kommun: str, ident: UUID, person: UUID, *, everybody: bool) -> datetime | None:
        """Quiet until the next meeting, for oneself or for everybody; returns until when, None when there is none.

        Urgent messages still come: a silence is for what can wait.
        """
        async with self._database.transaction((kommun,)) as connection:
            if await store.readable(connection, kommun, ident, person) is None:
                return None
            _, plan = await plans.plan(connection, kommun)
            until = before_meeting(datetime.now(UTC), plan.meeting)
            await store.silence(connection, kommun, ident, NOBODY if everybody else person, until)
            return until

    async def hear(self, kommun: str, ident: UUID, person: UUID, *, everybody: bool) -> bool:
        """An end to one's own silence, or to everybody's; False when there is no such alert."""
        async with self._database.transaction((kommun,)) as connection:
            if await store.readable(connection, kommun, ident, person) is None:
                return False
            now, ended = datetime.now(UTC), (person, NOBODY) if everybody else (person,)
            held = await store.silences(connection, kommun, [ident], now)
            until = [u for who in ended if (u := held.get((ident, who))) is not None]
            for who in ended:
                await store.silence(connection, kommun, ident, who, now)
            waiting = await ledger.waiting(connection, kommun, ident, None if everybody else person)
            await queue.sooner(connection, waiting, until)  # hours and rules are looked at again when they leave
            return True

    async def answer(self, kommun: str, ident: UUID, person: UUID, *, useful: bool) -> bool:
        """Whether it was useful: kept, and told to analysis without a name. False when there is no such alert.

        It is said of the rule by which this person was told, the alert's own where they only found it.
        """
        now = datetime.now(UTC)
        async with self._database.transaction((kommun,)) as connection:
            alert = await store.readable(connection, kommun, ident, person)
            if alert is None:
                return False
            rule = await ledger.rule_of(connection, kommun, ident, person) or alert.rule or "foljer"
            answer_id, number = await store.answer(connection, kommun, ident, person, rule, useful=useful, now=now)
            event = AlertAnswered(
                kommun=kommun,
                alert_id=answer_id,
                revision=number,
                rule=rule,
                subject_id=alert.subject_id,
                useful=useful,
                answered_at=now,
            )
            await outbox.write(connection, [message(ALERT_ANSWERED, event, _envelope(event))])
        return True


def _envelope(event: AlertAnswered) -> Envelope:
    return Envelope(
        id=derived_id(ALERT_ANSWERED.name, event.kommun, event.alert_id, event.revision),
        source=SOURCE,
        type=type_of(ALERT_ANSWERED),
        time=event.answered_at,
        partitionkey=event.kommun,
        correlationid=str(event.alert_id),
    )
