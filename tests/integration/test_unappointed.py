"""A reporter whose appointment has ended: what they see comes in as a tip, what they saw before stays a reporter's."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from services.ingest.handlers.appointing import Appointing
from services.ingest.handlers.people import People
from services.ingest.web.login import DEVICE
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.integration.test_photos import person as staff
from tests.support.http import asking
from tests.support.instance import Instance, reports


async def _ended_by_an_analyst(instance: Instance, database: Database, kommun: str, report: str) -> None:
    """The one who saw the lamp is no reporter any more, so somebody else must say that it shines again."""
    cookies = await staff(database, kommun, "analytiker")
    form, own = {"report_id": report}, {"sec-fetch-site": "same-origin"}
    async with asking(instance.url, cookies=cookies) as http:
        answer = await http.post("/mina-rapporter/avsluta", data=form, headers=own)
    assert answer.headers["location"] == f"/rapporter/{report}?avslutad=ja"


async def test_after_the_appointment_a_report_is_a_tip_and_an_old_one_stays(instance: Instance, kommun: str) -> None:
    await instance.tenant(kommun)
    database = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    people, appointing = People(database), Appointing(database)
    email = f"{uuid4().hex}@exempel.invalid"
    person, _ = await appointing.register(
        kommun, name="Vera Prov", email=email, roles=["rapportor"], organisation="Provbolaget"
    )
    appointment = (await appointing.person(kommun, person)).appointment
    assert appointment is not None
    assert appointment.organisation_id is not None
    session = await people.begin_session(kommun, person, 1)
    principal = await people.by_session(session)
    assert principal is not None
    door = asking(instance.url, headers={"Authorization": f"Bearer {await people.token(principal)}"})
    pages = asking(instance.url, cookies={DEVICE: session})
    first, second = reports(2, "appointed")
    assert (await door.post("/v1/reports", json=first)).status_code == 201
    assert "inget uppdrag" not in (await pages.get("/rapportera")).text

    now = datetime.now(UTC)
    await appointing.appoint(
        kommun, person, organisation=appointment.organisation_id, areas=[], since=now - timedelta(days=9),
        until=now - timedelta(seconds=1), trained=True, appointment=appointment.appointment_id,
    )  # fmt: skip
    assert "Du har inget uppdrag som rapportör just nu." in (await pages.get("/rapportera")).text
    assert (await door.post("/v1/reports", json=second)).status_code == 201
    assert (await door.post("/v1/reports", json=first | {"source_version": 2, "count": 2})).status_code == 200
    lamp = reports(1, "lamp", event_type="E1", ongoing=True)[0]
    tip = (await door.post("/v1/reports", json=lamp)).json()["report_id"]
    await _ended_by_an_analyst(instance, database, kommun, tip)
    assert text("mine.sent_zero_tip") in (await pages.get("/mina-rapporter?framme=noll")).text
    rows = await instance.sql(
        "select event->>'count' as count, event->>'source' as source, event->>'reporter_token' as token from revisions "
        "where kommun = $1 and event->>'event_type' <> 'E1' order by minted_at, revision",
        kommun, kommun=kommun, room="ingest",
    )  # fmt: skip
    assert [(r["count"], r["source"], r["token"]) for r in rows] == [
        ("1", "rapportor", appointment.token),
        ("1", "tips", None),
        ("2", "rapportor", appointment.token),
    ]
    for client in (door, pages):
        await client.aclose()
    await database.close()
