"""A duty rota from its calendar's address to the message: who is on duty now is told, and nobody else."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notify.gateways.outside import Outside
from services.notify.handlers.planning import BadAddress, Planning
from services.notify.handlers.roster import Roll
from services.notify.store import rotas
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from services.runtime.sealing import Sealer
from tests.integration.test_voice import crew
from tests.support.http import asking
from tests.support.instance import Instance
from tests.support.outside import outsider
from tests.support.voice import SECRET, never_quiet, now_case, somebody, voice

RULE = {"name": "jour", "label": "Jour", "match": {"kinds": ["case"]}, "how": "at_once", "to": [{"rota": "jour"}]}


def _calendar(*turns: tuple[datetime, str]) -> bytes:
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{begins:%Y%m%dT%H%M%SZ}\r\n"
        f"DTEND:{begins + timedelta(hours=12):%Y%m%dT%H%M%SZ}\r\nATTENDEE:mailto:{mail}\r\nEND:VEVENT\r\n"
        for n, (begins, mail) in enumerate(turns)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y\r\n{events}END:VCALENDAR\r\n".encode()


async def test_who_is_on_duty_by_the_calendar_is_told(instance: Instance, kommun: str) -> None:
    admin, analyst, member = await crew(instance, kommun)
    other = await somebody(instance, kommun, "est_medlem")
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "routes": [RULE]}
    await never_quiet(instance, admin, root=root)
    now, strangers = datetime.now(UTC), [f"extern{n}@exempel.invalid" for n in range(600)]
    serving = Database(instance.ground.database_url(serve_role("notify")), pool_size=1)
    with outsider() as there:
        async with voice(instance) as parts:
            here, sealer = Outside([there.place]), Sealer(SECRET)
            planning = Planning(serving, here, sealer)
            with pytest.raises(BadAddress):
                await Planning(serving, Outside(), sealer).put_rota(kommun, "jour", there.url + "/jour.ics")
            await planning.put_rota(kommun, "jour", there.url + "/jour.ics")
            roll: Roll = parts.roll
            roll._outside = here
            await roll.refresh(kommun)
            there.default = 200, {}, _calendar(
                (now - timedelta(hours=1), member.email), (now + timedelta(hours=11), other.email),
                *((now + timedelta(days=2), mail) for mail in strangers),
            )  # fmt: skip
            await roll.read_rotas(kommun)
            await parts.enter(now_case(kommun))
            await parts.settle()
            mail = parts.channels["mail"]
            assert [a for a, _ in mail.sent] == [member.email]
            async with asking(instance.ground.layout.url("notify_serve"), headers=admin.bearer) as http:
                page = (await http.get("/utskick/kanaler")).text
            assert "600 adresser i kalendern tillhör ingen som kan få utskick." in page
            there.default = 200, {}, b"<html>moved</html>"
            await roll.read_rotas(kommun)
            await parts.enter(now_case(kommun, event_type="B1"))
            await parts.settle()
            assert [a for a, _ in mail.sent] == [member.email] * 2, "what was known holds while the calendar is away"
            there.default = 200, {}, _calendar((now + timedelta(days=3), other.email))
            await roll.read_rotas(kommun)
            await parts.enter(now_case(kommun, event_type="C1"))
            await parts.settle()
            assert [a for a, _ in mail.sent][2:] == [analyst.email], "nobody is on duty: the outermost rule's people"
            async with parts.database.transaction((kommun,)) as connection:
                (row,) = await rotas.listed(connection, kommun)
            assert there.url not in row.sealed
    await serving.close()
