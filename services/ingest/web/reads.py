"""The data protection officer's page: who has read what, asked of every room, and whether each log is whole."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from services.ingest.gateways.corridor import Corridor
from services.ingest.handlers.keys import Keys
from services.ingest.handlers.people import People
from services.ingest.web.administration import appointing_of
from services.ingest.web.login import signed_in
from services.pages import writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.http import LoginNeeded
from services.runtime.problems import not_allowed
from services.runtime.read_log import READERS
from services.runtime.tokens import Principal, subject_digest

router = APIRouter(include_in_schema=False)
PATH = "/laslogg"
SHOWN = 200
_OBJECTS = {
    "everybody who may be told": "told",
    "everybody who reported": "reported",
    "who reported": "reporter",
}
"""What stands in the log where no single thing was read."""


async def officer(request: Request) -> Principal:
    """Who may see the log; the login for nobody, 403 for anybody else."""
    person = await signed_in(request)
    if person is None:
        raise LoginNeeded
    if not person.may(*READERS):
        raise not_allowed(" or ".join(READERS))
    return person


@router.get(PATH)
async def reads(
    request: Request,
    person: Annotated[Principal, Depends(officer)],
    vem: Annotated[str, Query(max_length=36)] = "",
    till: Annotated[str, Query(max_length=10)] = "",
    fore: datetime | None = None,
) -> HTMLResponse:
    """The latest reads of all rooms, newest first, of one person if asked, up to a day if asked."""
    people: People = request.app.state.people
    corridor: Corridor = request.app.state.corridor
    keys: Keys = request.app.state.keys
    readers = {p.row.person_id: p.row.name for p in await appointing_of(request).people(person.kommun)}
    readers |= await keys.systems(person.kommun)
    names = {subject_digest(person.kommun, str(ident)): name for ident, name in readers.items()}
    last = _day(till)
    params: dict[str, Any] = {"limit": SHOWN}
    if (chosen := _reader(person, vem)) is not None:
        params["reader"] = chosen
    if last is not None:
        params["before"] = datetime.combine(last + timedelta(days=1), time(), writing.SWEDEN).isoformat()
    if fore is not None:
        params["before"] = fore.isoformat()
    answers = await corridor.reads(await people.token(person), params)
    entries = sorted(
        ({"room": room, **e} for room, answer in answers.items() if answer is not None for e in answer["entries"]),
        key=lambda e: str(e["at"]),
        reverse=True,
    )
    context = frame(person, PATH) | {
        "older": urlencode({"vem": vem, "fore": entries[SHOWN - 1]["at"]}) if len(entries) > SHOWN else None,
        "rows": [_row(e, names) for e in entries[:SHOWN]],
        "rooms": [_room(room, answer) for room, answer in answers.items()],
        "people": [(str(ident), name) for ident, name in readers.items()],
        "who": vem,
        "until": last or "",
    }
    return page("ingest/reads.html", context)


def _day(written: str) -> date | None:
    try:
        day = date.fromisoformat(written) if written else None
        return None if day is None else min(day, date(2100, 12, 31))
    except ValueError:
        return None


def _reader(person: Principal, who: str) -> str | None:
    try:
        return subject_digest(person.kommun, str(UUID(who))) if who else None
    except ValueError:
        return None


def _room(room: str, answer: dict[str, Any] | None) -> dict[str, Any]:
    """How the room's log is: whole, broken at an entry, or not asked because the room is away."""
    if answer is None:
        return {"name": room, "state": "away", "said": text("reads.away", room=text(f"reads.room_{room}"))}
    at = answer["broken_at"]
    name = text(f"reads.room_{room}")
    said = text("reads.whole", room=name) if at is None else text("reads.broken", room=name, number=at)
    return {"name": room, "state": "whole" if at is None else "broken", "said": said}


def _row(entry: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    who = names.get(entry["reader"])
    if who is None:
        who = text(f"reads.kind_{entry['kind']}")
    return {
        "when": writing.moment(datetime.fromisoformat(entry["at"])),
        "who": who,
        "what": text(f"reads.what_{entry['what']}"),
        "object": text(f"reads.object_{_OBJECTS[it]}") if (it := entry["object"]) in _OBJECTS else names.get(it, it),
        "purpose": text(f"reads.purpose_{entry['purpose']}"),
        "room": text(f"reads.room_{entry['room']}"),
    }
