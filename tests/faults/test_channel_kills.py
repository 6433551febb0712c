"""SIGKILL around the moment a message leaves, by every way but mail: none lost, doubled in the channel's window."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from services.notify.domain.preferences import Preferences
from services.notify.gateways.outside import Outside
from services.notify.handlers.planning import Planning
from services.notify.handlers.reaching import Reaching
from services.notify.store import subscriptions
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from services.runtime.sealing import Sealer
from tests.faults.test_kills import _kill_there, _when_reached
from tests.support.instance import Instance, Tenant, eventually, reports
from tests.support.outside import Outsider, Phone, Taken, outsider
from tests.support.tally import Table
from tests.support.voice import never_quiet, somebody

COUNT = 10
PLACES = {"teams": "", "webhook": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "ntfy": "", "apprise": ""}
PHONE = Phone()
SAID: dict[str, Callable[[Taken], str]] = {
    "sms": lambda t: t.form["message"],
    "push": lambda t: str(PHONE.reads(t.body)["notification"]["tag"]),
    "webhook": lambda t: t.headers["webhook-id"],
    "teams": lambda t: str(t.json["attachments"][0]["content"]["actions"][0]["url"]),
    "ntfy": lambda t: str(t.json["click"]),
    "apprise": lambda t: str(t.json["message"]),
}
"""What makes two calls the same message, for whoever gets them."""


async def _reached_by(instance: Instance, tenant: Tenant, there: Outsider, channel: str) -> None:
    """Somebody, or a place, hears of every grave report by this channel."""
    kommun = tenant.kommun
    admin = await somebody(instance, kommun, "administrator")
    member = await somebody(instance, kommun, "est_medlem")
    serving = Database(instance.ground.database_url(serve_role("notify")), pool_size=1)
    outside, sealer = Outside((there.place,)), Sealer(instance.ground.layout.secrets["seal"])
    to: dict[str, Any] = {"person": str(member.ident)}
    try:
        if channel == "push":
            await Reaching(serving, outside, sealer).add_device(kommun, member.ident, PHONE.device(there.url), "Mobil")
        if channel in PLACES:
            url = f"json://{there.place}/x" if channel == "apprise" else f"{there.url}/x"
            place: UUID = await Planning(serving, outside, sealer, apprise_schemes=["json"]).add_place(
                kommun, kind=channel, label="Plats", url=url, secret=PLACES[channel]
            )
            to = {"destination": str(place)}
        else:
            wanted = Preferences.model_validate({"urgent": channel, "phone": "+46701234567"})
            async with serving.transaction((kommun,)) as connection:
                await subscriptions.prefer(connection, kommun, member.ident, wanted)
    finally:
        await serving.close()
    rule = {"name": "grav", "label": "Grav", "match": {"min_severity": 4}, "to": [to], "how": "at_once", "urgent": True}
    root = {"name": "rot", "label": "Rot", "to": [{"role": "administrator"}], "how": "never", "routes": [rule]}
    await never_quiet(instance, admin, root=root)


POINTS = ("notify.before_send", "notify.after_send")
CORE = {("sms", "notify.after_send"), ("push", "notify.after_send")}
CASES = [pytest.param(c, p, marks=[pytest.mark.core] * ((c, p) in CORE)) for c in SAID for p in POINTS]


@pytest.mark.parametrize(("channel", "point"), CASES)
async def test_killing_around_a_message(
    instance: Instance, kommun: str, table: Table, channel: str, point: str
) -> None:
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    with outsider() as there:
        there.default = (200, {}, b'{"id": "s1", "status": "created"}')
        await _reached_by(instance, tenant, there, channel)
        before = set(instance.env)
        instance.env |= {
            "LAGESBILD_OUTSIDE_ALLOWED": f'["{there.place}"]',
            "LAGESBILD_PUSH_ALLOWED": f'["{there.place}"]',
            "LAGESBILD_APPRISE_SCHEMES": '["json"]',
            "LAGESBILD_SMS_PROVIDERS": f'[{{"url": "{there.url}/sms", "username": "u", "password": "p"}}]',
        }
        given = [name for name in instance.env if name not in before]
        try:
            name, marker = await _kill_there(instance, "notify", "work", point)
            await tenant.load(reports(COUNT, "channel", severity=4), senders=2)
            await _when_reached(instance, name, marker)
            await table.tally(f"SIGKILL at {point}, {channel}", tenant, COUNT, began)

            async def sent() -> bool:
                query = "select count(*) as n from deliveries where kommun = $1 and state = 'sent' and channel = $2"
                (row,) = await instance.sql(query, kommun, channel, kommun=kommun, room="notify")
                return bool(row["n"] == COUNT)

            await eventually(sent, f"{COUNT} messages by {channel}")
            said = [SAID[channel](call) for call in there.taken]
        finally:
            for variable in given:
                del instance.env[variable]
            await instance.restart_with("notify", "work", {})
    assert len(set(said)) == COUNT, "none is lost"
    # Accepted by the other side, not yet committed here: the same message once more, and only there.
    assert len(said) == COUNT + (point == "notify.after_send")
