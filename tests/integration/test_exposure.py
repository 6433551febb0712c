"""Exposure and lateness on a real database and through the doors: who was to look, who did, how late it came in."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from schemas.appointments import AppointmentChanged
from services.analysis.domain.periods import Period
from services.analysis.domain.selection import Selection
from services.analysis.handlers.looking import side_by_side
from services.analysis.handlers.picturing import Picturing
from services.analysis.store import appointments, exposure
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.integration.test_photos import person
from tests.integration.test_signals import _report, take
from tests.support.http import asking
from tests.support.instance import Instance

FIRST = date(2033, 5, 2)
"""A Monday; summer time, so that a Swedish day begins at ten in the evening."""
SECOND = FIRST + timedelta(days=7)
FORTNIGHT = Selection(FIRST, FIRST + timedelta(days=13))
BOLAGET, SKOLAN = UUID(int=0xA), UUID(int=0xB)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=2)


def appointed(kommun: str, token: str, organisation: UUID, *areas: str, **changes: Any) -> AppointmentChanged:
    values: dict[str, Any] = {"since": midnight(FIRST - timedelta(days=90)), "until": None} | changes
    return AppointmentChanged(
        kommun=kommun, reporter_token=f"token-of-{token}", revision=1, organisation=organisation,
        areas=tuple(f"{kommun}{a}" for a in areas), minted_at=midnight(FIRST), **values,
    )  # fmt: skip


async def fortnight(database: Database, kommun: str, neighbour: str) -> None:
    """Anna keeps to one area, Bo is new and everywhere, Cia left on a Wednesday, Dag as the fortnight began; Eva was
    never appointed.
    """
    changed = [
        appointed(kommun, "anna", BOLAGET, "R001"),
        appointed(kommun, "bobo", BOLAGET, since=midnight(SECOND)),
        appointed(kommun, "ciac", SKOLAN, "R002", until=midnight(FIRST + timedelta(days=2))),
        appointed(kommun, "dagd", SKOLAN, "R001", "R002", until=midnight(FIRST)),
        appointed(neighbour, "anna", BOLAGET),
    ]
    for one in changed:
        async with database.transaction((one.kommun,)) as connection:
            await appointments.put(connection, [one])
    sent = (("anna", FIRST, "R001", BOLAGET, "A1", 0), ("anna", SECOND, "R001", BOLAGET, "A1", 3),
            ("ciac", FIRST, "R002", SKOLAN, "G1", 0), ("evae", SECOND, "R001", None, "A1", 10))  # fmt: skip
    await take(database, kommun, [
        _report(kommun, i, day + timedelta(days=1), area=area, organisation=organisation, event_type=kind,
                reporter_token=f"token-of-{who}",
                received_at=midnight(day + timedelta(days=1 + late)) + timedelta(hours=20))
        for i, (who, day, area, organisation, kind, late) in enumerate(sent)
    ])  # fmt: skip


async def test_appointed_and_active_stand_side_by_side_in_every_grouping(
    database: Database, serving: Database, kommun: str
) -> None:
    await fortnight(database, kommun, f"{int(kommun) + 4000}")
    everywhere = [f"{kommun}R00{i}" for i in (1, 2, 3)]

    async def told(*by: str, chosen: Selection = FORTNIGHT) -> dict[tuple[str, ...], tuple[int | None, int, int]]:
        async with serving.transaction((kommun,)) as connection:
            rows = await side_by_side(connection, kommun, chosen, by, everywhere)
        return {
            tuple(str(r[g]).removeprefix(kommun) for g in by): (r["appointed"], r["active"], r["zero_reports"])
            for r in rows
        }

    one, two = FIRST.isoformat(), SECOND.isoformat()
    assert await told() == {(): (3, 3, 1)}
    assert await told("organisation") == {(str(BOLAGET),): (2, 1, 0), (str(SKOLAN),): (1, 1, 1), ("",): (0, 1, 0)}
    assert await told("week") == {(one,): (2, 2, 1), (two,): (2, 2, 0)}
    assert await told("area") == {("R001",): (2, 2, 0), ("R002",): (2, 1, 1), ("R003",): (1, 0, 0)}
    assert await told("week", "area") == {
        (one, "R001"): (1, 1, 0), (one, "R002"): (1, 1, 1),
        (two, "R001"): (2, 2, 0), (two, "R002"): (1, 0, 0), (two, "R003"): (1, 0, 0),
    }  # fmt: skip
    only = Selection(FIRST, FORTNIGHT.last, areas=(f"{kommun}R002",))
    assert await told(chosen=only) == {(): (2, 1, 1)}
    assert await told("area", chosen=only) == {("R002",): (2, 1, 1)}
    nowhere = Selection(FIRST, FORTNIGHT.last, areas=("unplaced",))
    assert await told(chosen=nowhere) == {(): (0, 0, 0)}, "nobody is appointed for what has no area"
    assert await told("area", chosen=nowhere) == {}
    days = Selection(FIRST + timedelta(days=2), FIRST + timedelta(days=8))
    assert await told("week", chosen=days) == {(one,): (1, 0, 0), (two,): (2, 2, 0)}, "only the weeks' part of a period"
    other = Selection(FIRST, FORTNIGHT.last, layer="stadsdelar")
    assert await told("area", chosen=other) == {}, "appointments do not know other layers' areas"


async def test_who_is_quiet_for_a_week_is_not_silent_yet(database: Database, serving: Database, kommun: str) -> None:
    await fortnight(database, kommun, f"{int(kommun) + 4000}")
    quiet = UUID(int=0xC)
    async with database.transaction((kommun,)) as connection:
        await appointments.put(connection, [appointed(kommun, "fida", quiet)])
    last_heard = FIRST - timedelta(days=1)
    await take(database, kommun, [_report(kommun, 99, last_heard, organisation=quiet, reporter_token="token-of-fida")])

    async def silent(days: int, last: date) -> list[dict[str, Any]]:
        cut_off = midnight(last + timedelta(days=1))
        period = Period("2033:10", last - timedelta(days=days - 1), last, cut_off)
        return list((await Picturing(serving).written_from_facts(kommun, period))["silent"])

    assert await silent(7, FIRST + timedelta(days=6)) == []
    told = [{"organisation": str(quiet), "since": last_heard.isoformat()}]
    for days in (7, 14):
        assert await silent(days, FORTNIGHT.last) == told


async def test_who_looked_and_how_late_it_came_are_answered_and_kept_as_files(
    instance: Instance, database: Database, kommun: str
) -> None:
    await instance.tenant(kommun)
    await fortnight(database, kommun, f"{int(kommun) + 4000}")
    async with database.transaction((kommun,)) as connection:
        late = await exposure.late(connection, kommun, FORTNIGHT, ["source"])
    assert [(r["source"], r["late"], r["reports"] // 1_000_000) for r in late] == [
        ("rapportor", days, 1) for days in (0, 3, 10)
    ]
    door = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    analyst, member = await person(door, kommun, "analytiker"), await person(door, kommun, "est_medlem")
    await door.close()
    span = {"from": FIRST.isoformat(), "to": FORTNIGHT.last.isoformat()}
    async with asking(
        instance.ground.layout.public_url, headers={"Authorization": f"Bearer {analyst['lb_token']}"}
    ) as http:
        (whole,) = (await http.get("/v1/lateness", params=span)).json()["rows"]
        weeks = (await http.get("/v1/lateness", params=span | {"group_by": ["week", "source"]})).json()["rows"]
        by = span | {"group_by": ["organisation", "organisation"]}
        rows = (await http.get("/v1/exposure", params=by)).json()["rows"]
        table = (await http.get("/v1/exposure.csv", params=by)).text.lstrip("\N{BYTE ORDER MARK}").splitlines()
        book = await http.get("/v1/exposure.xlsx", params=by)
        late_table = await http.get("/v1/lateness.csv", params=span | {"group_by": "week"})
        late_book = await http.get("/v1/lateness.xlsx", params=span)
        page = await http.get("/v1/lateness", params={"from": "2033-05-03", "to": "2033-05-02"})
    assert (whole["reports"], whole["same_day"], whole["within_week"], whole["within_four_weeks"]) == (3, 1, 2, 3)
    assert (whole["median_days"], whole["nine_in_ten_days"]) == (3, 10)
    assert [(r["week"], r["source"], r["reports"], r["median_days"]) for r in weeks] == [
        (FIRST.isoformat(), "rapportor", 1, 0), (SECOND.isoformat(), "rapportor", 2, 3),
    ]  # fmt: skip
    assert [(r["organisation"], r["appointed"], r["active"]) for r in rows] == [
        (None, 0, 1), (str(BOLAGET), 2, 1), (str(SKOLAN), 1, 1)
    ]  # fmt: skip
    assert table[0] == "organisation;appointed;active;zero_reports;last_day"
    assert table[2] == f"{BOLAGET};2;1;0;{SECOND + timedelta(days=1)}"
    assert book.content[:2] == late_book.content[:2] == b"PK"
    assert late_table.text.splitlines()[1].startswith(f"{FIRST};1;1;1;1;0;0")
    assert page.status_code == 422
    async with asking(
        instance.ground.layout.public_url, headers={"Authorization": f"Bearer {member['lb_token']}"}
    ) as http:
        assert (await http.get("/v1/lateness", params=span)).status_code == 200
        assert (await http.get("/v1/exposure.csv", params=span)).status_code == 403
