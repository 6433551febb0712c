"""Photos at the door: stored clean in a folder or by S3, shown to whom they concern, covered for good, swept."""

import re
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image
from sqlalchemy import text

from deploy.local.backups import _put_back_photos
from schemas.envelope import client_report_id
from services.ingest.domain import ReportIn, Sender
from services.ingest.gateways.objects import Missing, Objects, StoreAway
from services.ingest.handlers.appointing import Appointing
from services.ingest.handlers.people import People
from services.ingest.handlers.photos import UNFINISHED, NoPhoto, Photos
from services.ingest.handlers.reports import Reports
from services.ingest.pictures import Box
from services.ingest.settings import IngestSettings
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.support.http import asking
from tests.support.instance import Instance, Tenant
from tests.support.object_server import BUCKET, KEY_ID, SECRET, serving
from tests.unit.ingest.test_pictures import photo

LATER = datetime.now(UTC) + 2 * UNFINISHED


@pytest.fixture
async def tenant(instance: Instance, kommun: str) -> Tenant:
    return await instance.tenant(kommun)


@pytest.fixture
async def database(instance: Instance) -> AsyncIterator[Database]:
    made = Database(instance.ground.database_url(serve_role("ingest")), pool_size=2)
    yield made
    await made.close()


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path, database: Database) -> Any:
    """The same tests over both: a folder, and a server that speaks S3."""
    if request.param == "folder":
        yield Objects(IngestSettings.model_validate({"database_url": "x", "photos": str(tmp_path / "foton")}))
        return
    with serving(tmp_path / "s3") as url:
        values = {"photos": f"s3://{BUCKET}/lagesbild", "s3_endpoint": url, "s3_key_id": KEY_ID, "s3_secret": SECRET}
        yield Objects(IngestSettings.model_validate({"database_url": "x"} | values))


async def person(database: Database, kommun: str, *roles: str) -> dict[str, str]:
    """Cookies of somebody who has logged in."""
    appointing, people = Appointing(database), People(database)
    email = f"{uuid4().hex}@exempel.invalid"
    ident, _ = await appointing.register(
        kommun, name="Kim Exempel", email=email, roles=list(roles), organisation="Exempelbolaget"
    )
    session = await people.begin_session(kommun, ident, 1)
    principal = await people.by_session(session)
    assert principal is not None
    return {"lb_device": session, "lb_token": await people.token(principal)}


def client(instance: Instance, cookies: dict[str, str]) -> httpx.AsyncClient:
    return asking(instance.ground.layout.public_url, cookies=cookies)


def fields(ident: str, **more: str) -> dict[str, str]:
    return {"id": ident, "l1": "A", "l2_A": "A1", "when": "now", "area": "0682R001", "count": "1"} | more


async def hand_in(http: httpx.AsyncClient, ident: str, raw: bytes, **more: str) -> httpx.Response:
    return await http.post("/rapportera", data=fields(ident, **more), files={"photo": ("bild.jpg", raw, "image/jpeg")})


async def photo_id(http: httpx.AsyncClient) -> str:
    found = re.findall(r"/v1/photos/([0-9a-f-]{36})", (await http.get("/mina-rapporter")).text)
    assert len(found) == 1
    return str(found[0])


def lying(instance: Instance, kommun: str) -> dict[str, int]:
    folder = instance.ground.layout.data / "photos" / kommun
    return {p.name: p.stat().st_size for p in folder.glob("*")} if folder.exists() else {}


async def test_a_photo_comes_with_its_report_and_is_shown_to_whom_it_concerns(
    instance: Instance, tenant: Tenant, database: Database
) -> None:
    reporter = client(instance, await person(database, tenant.kommun, "rapportor"))
    raw = photo()
    assert b"Hemlig" in raw
    ident = str(uuid4())
    assert (await hand_in(reporter, ident, raw)).status_code == 303
    assert (await hand_in(reporter, ident, raw)).status_code == 303, "the same form again"
    shown = await photo_id(reporter)
    assert len(lying(instance, tenant.kommun)) == 1
    mine = await reporter.get(f"/v1/photos/{shown}")
    assert (mine.status_code, mine.headers["content-type"]) == (200, "image/jpeg")
    assert mine.headers["cache-control"] == "private, no-store"
    image = Image.open(BytesIO(mine.content))
    assert not image.getexif()
    assert b"Hemlig" not in mine.content
    rows = await instance.sql(
        "select event from revisions where kommun = $1", tenant.kommun, kommun=tenant.kommun, room="ingest"
    )
    assert ['"has_photo": true' in r["event"] for r in rows] == [True], "one report, and its event says so"
    others = {
        "analytiker": 200, "administrator": 200, "est_medlem": 404, "rapportor": 404, "registrator": 404,
    }  # fmt: skip
    for role, status in others.items():
        async with client(instance, await person(database, tenant.kommun, role)) as http:
            assert (await http.get(f"/v1/photos/{shown}")).status_code == status, role
    elsewhere = await instance.tenant("7990")
    async with client(instance, await person(database, elsewhere.kommun, "analytiker", "administrator")) as http:
        assert (await http.get(f"/v1/photos/{shown}")).status_code == 404
        assert shown not in (await http.get("/granska/foton")).text
    async with client(instance, {}) as http:
        assert (await http.get(f"/v1/photos/{shown}")).status_code == 401
        assert (await http.get(f"/v1/photos/{shown}", headers=tenant.headers)).status_code == 404, "a system's key"
    log = await instance.sql(
        "select what, object from read_log where kommun = $1 and what = 'photo'", tenant.kommun,
        kommun=tenant.kommun, room="ingest",
    )  # fmt: skip
    assert [r["object"] for r in log] == [shown, shown], "the analyst's look and the administrator's"
    await reporter.aclose()


@pytest.mark.parametrize(
    ("raw", "said"),
    [(b"x" * 100, "kan inte läsas"), (b"x" * (15 * 2**20 + 1), "för stor"), (photo(10, 10), "för liten")],
)
async def test_what_is_no_photo_is_refused_and_the_form_kept(
    instance: Instance, tenant: Tenant, database: Database, raw: bytes, said: str
) -> None:
    async with client(instance, await person(database, tenant.kommun, "rapportor")) as http:
        answer = await hand_in(http, str(uuid4()), raw, text="Klotter på hela väggen")
        assert (answer.status_code, said in answer.text, "Klotter på hela väggen" in answer.text) == (422, True, True)
        assert "/v1/photos/" not in (await http.get("/mina-rapporter")).text
    assert lying(instance, tenant.kommun) == {}


async def test_a_body_that_is_far_too_large_is_refused_before_it_is_read(
    instance: Instance, tenant: Tenant, database: Database
) -> None:
    async with client(instance, await person(database, tenant.kommun, "rapportor")) as http:
        assert (await hand_in(http, str(uuid4()), b"x" * (40 * 2**20))).status_code == 413


async def test_an_analyst_covers_and_the_original_is_gone(
    instance: Instance, tenant: Tenant, database: Database
) -> None:
    reporter = client(instance, await person(database, tenant.kommun, "rapportor"))
    await hand_in(reporter, str(uuid4()), photo())
    shown = await photo_id(reporter)
    before = lying(instance, tenant.kommun)
    async with client(instance, await person(database, tenant.kommun, "analytiker")) as http:
        page = await http.get("/granska/foton")
        assert f"/v1/photos/{shown}?purpose=review" in page.text
        for broken in ("[]", "[[0,0,0.5,1],[2]]", "[7]", "{", "[[0,0,null,1]]", '[["a",0,1,1]]'):
            refused = await http.post(f"/granska/foton/{shown}", data={"done": "cover", "boxes": broken})
            assert refused.status_code == 422, broken
        assert f"/v1/photos/{shown}" in (await http.get("/granska/foton")).text, "it waits still"
        done = await http.post(f"/granska/foton/{shown}", data={"done": "cover", "boxes": "[[0,0,0.5,1]]"})
        assert done.status_code == 303
        image = Image.open(BytesIO((await http.get(f"/v1/photos/{shown}")).content)).convert("RGB")
        left, right = image.getpixel((image.width // 4, 100)), image.getpixel((3 * image.width // 4, 100))
        assert isinstance(left, tuple)
        assert isinstance(right, tuple)
        assert max(left) < 20 < max(right)
        after = lying(instance, tenant.kommun)
        (original,) = before
        assert after.pop(original) == 0, "the original is emptied"
        assert [size > 0 for size in after.values()] == [True]
        assert "Inga foton väntar" in (await http.get("/granska/foton")).text
        assert (await http.post(f"/granska/foton/{shown}", data={"done": "remove"})).status_code == 303
        assert (await http.get(f"/v1/photos/{shown}")).status_code == 404
        assert (await http.post(f"/granska/foton/{shown}", data={"done": "pass"})).status_code == 404
    assert set(lying(instance, tenant.kommun).values()) == {0}
    await reporter.aclose()


async def test_what_was_covered_is_not_written_again_by_a_repeat(
    instance: Instance, tenant: Tenant, database: Database
) -> None:
    async with client(instance, await person(database, tenant.kommun, "rapportor", "analytiker")) as http:
        ident, raw = str(uuid4()), photo()
        await hand_in(http, ident, raw)
        shown = await photo_id(http)
        (original,) = lying(instance, tenant.kommun)
        await http.post(f"/granska/foton/{shown}", data={"done": "cover", "boxes": "[[0,0,0.5,1]]"})
        await hand_in(http, ident, raw)
        assert lying(instance, tenant.kommun)[original] == 0


async def report_with_photo(
    database: Database, photos: Photos, tenant: Tenant, *, store_report: bool = True
) -> tuple[UUID, UUID]:
    """(photo, report) of a new reporter, handed in without HTTP."""
    people, appointing = People(database), Appointing(database)
    email = f"{uuid4().hex}@exempel.invalid"
    ident, _ = await appointing.register(
        tenant.kommun, name="Kim Exempel", email=email, roles=["rapportor"], organisation="Exempelbolaget"
    )
    principal = await people.by_session(await people.begin_session(tenant.kommun, ident, 1))
    assert principal is not None
    sender = await people.sender(principal)
    name = str(uuid4())
    taken = await photos.take(tenant.kommun, sender.client_id, name, photo())
    assert taken is not None
    report = client_report_id(sender.client_id, name)
    if store_report:
        body = {"id": name, "event_type": "A1", "time_from": datetime.now(UTC), "place": {"area_code": "0682R001"}}
        await Reports(database).submit(sender, ReportIn.model_validate(body), "c", photo=taken)
    return taken.photo_id, report


async def test_every_step_over_a_folder_and_over_s3(tenant: Tenant, database: Database, objects: Objects) -> None:
    photos = Photos(database, objects)
    ident, _ = await report_with_photo(database, photos, tenant)
    row = await photos.find(tenant.kommun, ident)
    assert Image.open(BytesIO(await photos.open(row))).size == (1600, 1067)
    await photos.review(tenant.kommun, ident, [Box(0, 0, 1, 0.5)])
    again = await photos.find(tenant.kommun, ident)
    assert again.object != row.object
    with pytest.raises(NoPhoto):
        await photos.open(row)
    await photos.remove(tenant.kommun, ident)
    with pytest.raises(NoPhoto):
        await photos.find(tenant.kommun, ident)
    with pytest.raises(Missing):
        await objects.get(again.object)
    assert [key async for key, _ in objects.written(tenant.kommun)] == []


async def test_a_picture_without_its_report_and_one_of_a_withdrawn_report_are_swept(
    tenant: Tenant, database: Database, objects: Objects
) -> None:
    photos = Photos(database, objects)
    kept, _ = await report_with_photo(database, photos, tenant)
    lost, _ = await report_with_photo(database, photos, tenant, store_report=False)  # a crash in between
    gone, report = await report_with_photo(database, photos, tenant)
    row = await Reports(database).find(tenant.kommun, report)
    assert row is not None
    sender = await _sender_of(database, tenant.kommun, row.client_id)
    await Reports(database).withdraw(sender, report, "c")
    await photos.sweep()
    assert len([key async for key, _ in objects.written(tenant.kommun)]) == 2, "a report under way has time"
    await photos.sweep(LATER)
    left = [key async for key, _ in objects.written(tenant.kommun)]
    assert left == [f"{tenant.kommun}/{kept}.jpg"], (lost, gone)


async def _sender_of(database: Database, kommun: str, client_id: UUID) -> Sender:
    people = People(database)
    async with database.transaction((kommun,)) as connection:
        query = text("select person_id from people where kommun = :kommun and client_id = :client")
        ident = await connection.scalar(query, {"kommun": kommun, "client": client_id})
    principal = await people.by_session(await people.begin_session(kommun, ident, 1))
    assert principal is not None
    return await people.sender(principal)


async def test_a_store_that_is_away_takes_nothing_and_loses_nothing(tenant: Tenant, database: Database) -> None:
    values = {"photos": "s3://foton", "s3_endpoint": "http://127.0.0.1:9", "s3_key_id": "x", "s3_secret": "y"}
    photos = Photos(database, Objects(IngestSettings.model_validate({"database_url": "x"} | values)))
    with pytest.raises(StoreAway):
        await report_with_photo(database, photos, tenant)


def test_a_backup_put_back_brings_no_photo_back_that_was_taken_away(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for name in ("kept", "covered", "lost"):
        (ours / "0682").mkdir(parents=True, exist_ok=True)
        (ours / "0682" / f"{name}.jpg").write_bytes(name.encode())
    shutil.copytree(ours, theirs)
    (ours / "0682" / "covered.jpg").write_bytes(b"")
    (ours / "0682" / "lost.jpg").unlink()
    _put_back_photos(theirs, ours)
    found = {p.stem: p.read_bytes() for p in (ours / "0682").iterdir()}
    assert found == {"kept": b"kept", "covered": b"", "lost": b"lost"}
    _put_back_photos(tmp_path / "none", ours)
