"""Who may open what of a lägesbild: drafts, corrections, exact cells, what lies behind; adopting while geo is away."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from html import unescape
from uuid import uuid4

import httpx
import pytest

from services.analysis.domain.periods import Rule
from services.analysis.handlers.picturing import Picturing
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.integration.test_cards import MIDDLE, put
from tests.integration.test_photos import client, person
from tests.integration.test_pictures import cut_off, drafted, history, number, paper
from tests.integration.test_signals import _report, take
from tests.support.instance import Instance


@asynccontextmanager
async def visitors(instance: Instance, who: Sequence[tuple[str, str]]) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Somebody logged in for each (municipality, role)."""
    door = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        jars = [await person(door, kommun, role) for kommun, role in who]
    finally:
        await door.close()
    clients = [client(instance, jar) for jar in jars]
    try:
        yield clients
    finally:
        for one in clients:
            await one.aclose()


@pytest.fixture
def neighbour(kommun: str) -> str:
    """Another municipality's code, of no other test."""
    return f"5{kommun[1:]}"


async def test_corrections_are_of_what_is_adopted_and_for_its_own_municipality(
    instance: Instance, database: Database, serving: Database, kommun: str, neighbour: str
) -> None:
    await instance.tenant(kommun)
    await instance.tenant(neighbour)
    await history(database, kommun)
    await drafted(database, kommun)
    path, pages = f"/lagesbilder/{number()}", Picturing(serving)
    who = [(kommun, "analytiker"), (kommun, "est_medlem"), (kommun, "rapportor"), (neighbour, "analytiker")]
    async with visitors(instance, who) as people:
        asked = [[(await http.get(f"{path}{more}")).status_code for http in people] for more in ("", "/rattelser")]
        assert asked == [[200, 404, 403, 404], [404, 404, 403, 404]], "a draft is for who writes it, and has none"
        await pages.adopt(kommun, number(), seen=(1, 0), names={}, by="anna", printed=paper)
        asked = [[(await http.get(f"{path}{more}")).status_code for http in people] for more in ("", "/rattelser")]
        assert asked == [[200, 200, 403, 404]] * 2


async def test_exact_cells_are_for_those_who_see_exact_places(
    instance: Instance, database: Database, serving: Database, kommun: str
) -> None:
    await instance.tenant(kommun)
    last = Rule().period(cut_off()).last
    await history(database, kommun)
    await take(database, kommun, [put(_report(kommun, 8_000 + i, last - timedelta(days=10 + i)), MIDDLE)
                                  for i in range(40)])  # fmt: skip
    await drafted(database, kommun)
    await Picturing(serving).adopt(kommun, number(), seen=(1, 0), names={}, by="anna", printed=paper)
    async with visitors(instance, [(kommun, "analytiker"), (kommun, "est_medlem")]) as people:
        found = [(await http.get(f"/v1/pictures/{number()}/map.geojson")).json()["features"] for http in people]
    cells, areas = ([f["id"] for f in one if ("density" in f["properties"]) is kept] for one, kept in
                    ((found[0], True), (found[0], False)))  # fmt: skip
    assert MIDDLE in cells
    assert [f["id"] for f in found[1]] == areas


async def test_what_lies_behind_a_place_is_for_readers_and_each_look_is_noted(
    instance: Instance, database: Database, kommun: str
) -> None:
    await instance.tenant(kommun)
    place, last = uuid4(), Rule().period(cut_off()).last
    await take(database, kommun, [put(_report(kommun, i, last), MIDDLE, place) for i in range(3)])
    address = f"/rapporter?from={last}&to={last}&plats={place}"
    async with visitors(instance, [(kommun, "est_medlem"), (kommun, "rapportor")]) as (member, reporter):
        page = await member.get(address)
        assert page.status_code == 200
        assert "Bakom siffran: 3 rapporter" in page.text
        assert (await reporter.get(address)).status_code == 403
    noted = await instance.sql(
        "select object from read_log where kommun = $1 and what = 'reports' and object like '%plats=%'", kommun,
        kommun=kommun, room="analysis",
    )  # fmt: skip
    assert len(noted) == 1


async def test_every_number_of_a_lagesbild_opens_as_many_reports(
    instance: Instance, database: Database, kommun: str
) -> None:
    """Now and before, over all periods, of areas, places, types, sources, cells, and of states that stand."""
    await instance.tenant(kommun)
    place, last = uuid4(), Rule().period(cut_off()).last
    await history(database, kommun)
    inside = [put(_report(kommun, 8_000 + i, last - timedelta(days=i)), MIDDLE, place) for i in range(40)]
    lamps = [_report(kommun, 9_000 + i, last - timedelta(days=9 * i), event_type="E1", ongoing=True) for i in range(14)]
    system = [_report(kommun, 9_500 + i, last - timedelta(days=3 * i), event_type="C1", source="felanmalan",
                      reporter_token=None) for i in range(20)]  # fmt: skip
    await take(database, kommun, [*inside, *lamps, *system])
    await drafted(database, kommun)
    async with visitors(instance, [(kommun, "analytiker"), (kommun, "est_medlem")]) as (analyst, member):
        page = (await analyst.get(f"/lagesbilder/{number()}")).text
        told = {(unescape(at), int(n)) for at, n in re.findall(r'<a href="(/rapporter\?[^"]+)">(\d+)</a>', page)}
        wanted = ("area=", "plats=", "type=A&", "source=", "ruta=", "oppna=1")
        assert all(any(part in at for at, _ in told) for part in wanted), wanted
        firsts = {at.split("from=")[1][:10] for at, _ in told if "veckodag" not in at}
        assert len(firsts) > 10, "every period there was"
        for at, n in told:
            if "veckodag" in at:  # what may have happened in several hours is listed under each
                continue
            answer = (await analyst.get(at)).text
            assert f"Bakom siffran: {n} rapport" in answer, at
        card = (await analyst.get(f"/typer/E1?from={last - timedelta(days=13)}&to={last}")).text
        ((at, n),) = set(re.findall(r'<a href="(/rapporter\?[^"]+oppna=1)">(\d+)</a>', card))
        assert f"Bakom siffran: {n} rapport" in (await analyst.get(unescape(at))).text
        assert int(n) == 14
        assert "Visa alla 14" in card
        cell = next(at for at, _ in told if "ruta=" in at)
        assert (await member.get(cell)).status_code == 403, "exact cells are for those who see exact places"
        assert (await member.get(cell.replace(MIDDLE, "hej"))).status_code == 403
        assert "Bakom siffran: 0 rapporter" in (await analyst.get(cell.replace(MIDDLE, "hej"))).text


async def test_a_draft_says_when_its_numbers_have_moved_and_is_counted_again(
    instance: Instance, database: Database, kommun: str
) -> None:
    await instance.tenant(kommun)
    await history(database, kommun)
    await drafted(database, kommun)
    path, moved = f"/lagesbilder/{number()}", "sedan utkastet räknades"
    async with visitors(instance, [(kommun, "analytiker")]) as (analyst,):
        assert moved not in (await analyst.get(path)).text
        await take(database, kommun, [_report(kommun, 9_900, Rule().period(cut_off()).last)])
        assert moved in (await analyst.get(path)).text
        assert (await analyst.post(f"{path}/rakna-om")).status_code == 303
        assert moved not in (await analyst.get(path)).text


async def test_what_somebody_has_hidden_in_a_draft_is_said_nowhere(
    instance: Instance, database: Database, kommun: str
) -> None:
    await instance.tenant(kommun)
    await history(database, kommun)
    await drafted(database, kommun)
    path = f"/lagesbilder/{number()}"
    async with visitors(instance, [(kommun, "analytiker")]) as (analyst,):
        shown = (await analyst.get(path)).text
        (ident, *_) = re.findall(r'name="dolj-([^"]+)"', shown)
        said = (await analyst.get("/v1/pictures/newest/said")).json()
        form = {f"dolj-{ident}": "känt sedan länge", f"om-{ident}": "ring", "bedomning": "x"}
        assert (await analyst.post(f"{path}/bedomning", data=form)).status_code == 303
        after = (await analyst.get("/v1/pictures/newest/said")).json()
        assert len(str(after)) < len(str(said)), "one finding less"
        later = {"bedomning": "xy", "seen": "1", f"dolj-{ident}": "känt sedan länge"}
        assert (await analyst.post(f"{path}/bedomning", data=later)).status_code == 303
        back = {"bedomning": "xy", "seen": "2", f"dolj-{ident}": "känt sedan länge", f"visa-{ident}": "1"}
        assert (await analyst.post(f"{path}/bedomning", data=back)).status_code == 303
        again = (await analyst.get(path)).text
    assert f'name="om-{ident}" form="bedomning" maxlength="1000" value="ring"' in again, "its comment is still there"


async def test_nothing_is_adopted_while_geo_is_away_and_what_was_written_is_kept(
    instance: Instance, database: Database, kommun: str
) -> None:
    await instance.tenant(kommun)
    await history(database, kommun)
    draft = await drafted(database, kommun)
    path = f"/lagesbilder/{number()}"
    form = {"bedomning": "Klotter vid stationen.", "seen": "0", "version": str(draft.version)}
    await instance.restart_with("analysis", "serve", {"LAGESBILD_GEO_URL": "http://127.0.0.1:9"})
    try:
        async with visitors(instance, [(kommun, "analytiker")]) as (analyst,):
            answer = await analyst.post(f"{path}/faststall", data=form)
            assert answer.status_code == 503
            assert "Det du skrev är sparat" in answer.text
            page = (await analyst.get(path)).text
        assert "Klotter vid stationen." in page
        assert (await Picturing(database).newest(kommun, number())) == draft
    finally:
        await instance.restart_with("analysis", "serve", {})
