"""The voice's parts in the test's own process, on real servers, with a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer

from schemas.envelope import Envelope
from schemas.situation import SituationChanged
from schemas.topics import SITUATION_CHANGED
from services.ingest.handlers.appointing import Appointing
from services.ingest.handlers.people import People
from services.notify.domain.notices import Notice, of_situation
from services.notify.domain.preferences import Preferences
from services.notify.gateways.channel import Channel, Message, Receipt
from services.notify.gateways.outside import Outside
from services.notify.gateways.rooms import Directory, Picture, Places
from services.notify.handlers.composing import Composing
from services.notify.handlers.entering import enter
from services.notify.handlers.pursuing import Pursuer
from services.notify.handlers.reaching import Reaching
from services.notify.handlers.retaining import Retaining
from services.notify.handlers.roster import Roll
from services.notify.handlers.routing import Router
from services.notify.handlers.sending import Sender
from services.notify.handlers.thanking import Thanker
from services.notify.settings import NotifySettings
from services.notify.store import subscriptions
from services.runtime.database import Database
from services.runtime.kafka_access import access
from services.runtime.migrations import serve_role, work_role
from services.runtime.publisher import message, type_of
from services.runtime.sealing import Sealer
from tests.support.http import asking
from tests.support.instance import Instance
from tests.support.notices import situation

SECRET = "a secret of the tests"


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person of a municipality, logged in."""

    ident: UUID
    email: str
    bearer: dict[str, str]


async def somebody(instance: Instance, kommun: str, *roles: str) -> Somebody:
    """Appoint and log in a person."""
    await instance.tried(kommun)
    door = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        email = f"{uuid4().hex}@exempel.invalid"
        found, _ = await Appointing(door).register(
            kommun, name=f"Vera Prov{uuid4().hex[:6]}", email=email, roles=list(roles), organisation="Prov"
        )
        people = People(door)
        principal = await people.by_session(await people.begin_session(kommun, found, 1))
        assert principal is not None
        return Somebody(found, email, {"Authorization": f"Bearer {await people.token(principal)}"})
    finally:
        await door.close()


async def never_quiet(instance: Instance, admin: Somebody, **changes: Any) -> None:
    """Tests run at any hour: the municipality has no quiet ones."""
    url = instance.ground.layout.url("notify_serve")
    async with asking(url, headers=admin.bearer) as http:
        plan = (await http.get("/v1/routing")).json()
        plan["plan"] |= {"quiet": {"begins": "00:00:00", "ends": "00:00:00"}} | changes
        answer = await http.put("/v1/routing", json=plan)
        assert answer.status_code == 200, answer.text


async def numbered(instance: Instance, kommun: str, person: UUID, **wanted: Any) -> None:
    """A person's wishes, with a number that was proved earlier."""
    serving = Database(instance.ground.database_url(serve_role("notify")), pool_size=1)
    try:
        async with serving.transaction((kommun,)) as connection:
            await subscriptions.prefer(connection, kommun, person, Preferences.model_validate(wanted))
    finally:
        await serving.close()


@asynccontextmanager
async def reaching(instance: Instance, *allowed: str) -> AsyncIterator[Reaching]:
    """Devices and numbers, as the serving process adds them; ``allowed``: host:port that may be called here."""
    serving = Database(instance.ground.database_url(serve_role("notify")), pool_size=1)
    try:
        yield Reaching(serving, Outside(allowed), Sealer(SECRET))
    finally:
        await serving.close()


async def publish(instance: Instance, events: list[SituationChanged]) -> None:
    """Say these as analysis says them."""
    producer = AIOKafkaProducer(**access(instance.ground.kafka_as("analysis")).arguments())
    await producer.start()
    try:
        for event in events:
            envelope = Envelope(
                id=str(uuid4()), source="/lagesbild/analysis", type=type_of(SITUATION_CHANGED), time=event.minted_at,
                partitionkey=event.kommun, correlationid=str(event.situation_id),
            )  # fmt: skip
            out = message(SITUATION_CHANGED, event, envelope)
            await producer.send(out.topic, out.value, key=out.key, headers=out.headers)
        await producer.flush()
    finally:
        await producer.stop()


def now_case(kommun: str, **changes: Any) -> SituationChanged:
    """A case that was found just now."""
    values = {"kommun": kommun, "situation_id": uuid4(), "minted_at": datetime.now(UTC)}
    return situation(**(values | changes))


@dataclass
class Recorder:
    """A channel that answers as the test says: a receipt, or the exception in ``troubles``."""

    name: str
    troubles: list[Exception] = field(default_factory=list)
    sent: list[tuple[str, Message]] = field(default_factory=list)

    async def send(self, message: Message, address: str) -> Receipt:
        if self.troubles:
            raise self.troubles.pop(0)
        self.sent.append((address, message))
        ident = message.ident if self.name == "mail" else f"id-{len(self.sent)}"
        return Receipt(ident, 3500 if self.name == "sms" else None)


@dataclass
class Voice:
    """What runs in notify's working process, taken apart."""

    database: Database
    router: Router
    sender: Sender
    pursuer: Pursuer
    thanker: Thanker
    roll: Roll
    retaining: Retaining
    channels: dict[str, Recorder]
    ahead: timedelta = timedelta()

    async def enter(self, *events: SituationChanged | Notice) -> None:
        """What the consumer does."""
        notices = [e if isinstance(e, Notice) else of_situation(e, "c") for e in events]
        async with self.database.transaction({n.kommun for n in notices}) as connection:
            await enter(connection, notices)

    async def settle(self) -> None:
        """Route and send until nothing is due."""
        while await self.router.route_some():
            continue
        while await self.sender.send_one():
            continue


@asynccontextmanager
async def voice(instance: Instance, **changes: Any) -> AsyncIterator[Voice]:
    """The parts, in the place of the instance's own working process, which is back afterwards."""
    await instance.supervisor.stop_one("notify work")
    # What other tests left to be done is none of this one's.
    await instance.sql("update due set at = greatest(at, now() + interval '1 day')", room="notify")
    layout = instance.ground.layout
    values: Mapping[str, Any] = {
        "database_url": instance.ground.database_url(work_role("notify")),
        "public_url": layout.public_url,
        "sms_providers": [{"username": "u", "password": "p"}],
    }
    settings = NotifySettings.model_validate({**values, **changes})
    database = Database(settings.database_url.get_secret_value(), pool_size=3)
    sealer, outside = Sealer(SECRET), Outside()
    url, secret = layout.url("ingest_serve"), layout.secrets["notify"]
    directory, places = Directory(url, secret), Places(url, layout.url("geo_serve"), secret)
    picture = Picture(url, layout.url("analysis_serve"), secret)
    composing = Composing(
        database, settings, directory=directory, places=places, picture=picture, sealer=sealer,
    )  # fmt: skip
    recorders = {name: Recorder(name) for name in ("mail", "sms", "push", "teams", "webhook", "ntfy")}
    channels: dict[str, Channel] = dict(recorders)
    roll = Roll(database, settings, directory, outside, sealer)
    wake = asyncio.Event()

    def clock() -> datetime:
        return datetime.now(UTC) + made.ahead

    sender = Sender(database, settings, channels, composing, wake=wake, clock=clock)
    made = Voice(
        database,
        Router(database, settings, roll, wake, clock),
        sender,
        Pursuer(database, settings, clock),
        Thanker(database, settings, directory, picture, clock),
        roll,
        Retaining(database, directory),
        recorders,
    )
    try:
        yield made
    finally:
        for other in (directory, places, picture, database):
            await other.close()
        await instance.supervisor.start(instance.program("notify", "work"))
