"""How a person adds what they can be reached by: a device that shows notifications, a number proved by a code."""

import hashlib
import hmac
from datetime import timedelta
from uuid import UUID, uuid4

from services.notify.domain.routing import Receiver
from services.notify.gateways.outside import Outside, Refused
from services.notify.gateways.push import Device
from services.notify.handlers.planning import BadAddress
from services.notify.handlers.seals import DEVICE, code_of
from services.notify.handlers.telling import announce, single
from services.notify.store import deliveries, devices, subscriptions
from services.pages.texts import text
from services.runtime.clock import Clock, utc
from services.runtime.database import Database
from services.runtime.sealing import Sealer

CODE = "kod"
"""The rule by which a code goes out."""
MOST_A_DAY, MOST_IN_ALL = 5, 200
"""Codes that a person, and all of a municipality, are sent in a day: each costs money, to any number."""
LASTS, APART, TRIES = timedelta(minutes=15), timedelta(minutes=1), 5


class Reaching:
    """The use cases of everybody who is told something."""

    def __init__(
        self,
        database: Database,
        outside: Outside,
        sealer: Sealer,
        clock: Clock = utc,
    ) -> None:
        self._database, self._outside, self._sealer, self._clock = database, outside, sealer, clock

    async def add_device(self, kommun: str, person: UUID, device: Device, label: str) -> UUID:
        """Keep a device; its address is sealed. BadAddress when it lies where nothing is sent to."""
        try:
            await self._outside.check(device.endpoint)
        except Refused as refused:
            raise BadAddress(text("places.bad_address", why=text(f"places.why_{refused.reason}"))) from None
        sealed = self._sealer.seal(DEVICE, device.model_dump_json(exclude={"ident"}))
        digest = hashlib.sha256(device.endpoint.encode()).digest()
        async with self._database.transaction((kommun,)) as connection:
            await subscriptions.know(connection, (kommun,))
            return await devices.add(connection, kommun, person, uuid4(), digest=digest, sealed=sealed, label=label)

    async def ask_number(self, kommun: str, person: UUID, phone: str) -> bool:
        """Send a code to a number, which is used once proved; False when too many were sent, or one just now."""
        now, ident = self._clock(), uuid4()
        async with self._database.transaction((kommun,)) as connection:
            own, every = await deliveries.codes_today(connection, kommun, person)
            if own >= MOST_A_DAY or every >= MOST_IN_ALL:
                return False
            if not await devices.ask(connection, kommun, person, phone=phone, now=now, lasts=LASTS, apart=APART):
                return False
            await subscriptions.know(connection, (kommun,))
            alert = single(kommun, ident, "code", {"only": "sms"}, rule=CODE, subject_id=ident, now=now)
            to = [(Receiver("person", person), (CODE,))]
            await announce(connection, alert, to, at=now, reason="code", kept_for=LASTS, urgent=True)
        return True

    async def prove_number(self, kommun: str, person: UUID, code: str) -> bool:
        """Use the number from now on; False for a wrong code, an old one, or after five tries."""
        now = self._clock()
        async with self._database.transaction((kommun,)) as connection:
            waits = await devices.attempt(connection, kommun, person, now, TRIES)
        if waits is None:
            return False
        expected = code_of(self._sealer, kommun, person, waits.phone, waits.until)
        if not hmac.compare_digest(expected.encode(), code.encode()):
            return False
        async with self._database.transaction((kommun,)) as connection:
            own = await subscriptions.own_preferences(connection, kommun, person)
            await subscriptions.prefer(connection, kommun, person, own.model_copy(update={"phone": waits.phone}))
            await devices.settle(connection, kommun, person)
        return True
