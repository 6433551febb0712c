"""SIGKILL from outside, in every room, under load: the sender's ledger against SQL and the mail server."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from tests.support.instance import Instance, Tenant, eventually, reports

LOAD = 1500
TARGETS = ("ingest serve", "ingest work", "geo work", "analysis work", "notify work")


async def _follower(instance: Instance, tenant: Tenant, min_severity: int = 3) -> None:
    """Somebody who wants mail about serious reports of this municipality."""
    async with httpx.AsyncClient(base_url=instance.ground.layout.public_url, trust_env=False) as http:
        person = {
            "name": "Test Testsson",
            "email": f"{uuid4().hex}@exempel.invalid",
            "roles": ["est_medlem"],
            "organisation": "Test",
        }
        created = await http.post("/v1/people", json=person, headers=tenant.headers)
        assert created.status_code == 201, created.text
        body = {"min_severity": min_severity, "person_id": created.json()["person_id"]}
        answer = await http.post("/v1/subscriptions", json=body, headers=tenant.bearer)
        assert answer.status_code == 201, answer.text


async def _settled_mails(instance: Instance, tenant: Tenant, expected: int, patience: float = 60) -> list[str]:
    """Message-IDs of this municipality that the server has taken, when the ledger says that all are sent."""

    async def sent() -> bool:
        rows = await instance.sql(
            "select count(*) as n from deliveries where kommun = $1 and state = 'sent'",
            tenant.kommun,
            kommun=tenant.kommun,
            room="notify",
        )
        return bool(rows[0]["n"] >= expected)

    await eventually(sent, patience, f"{expected} mails sent")
    rows = await instance.sql(
        "select message_id from deliveries where kommun = $1", tenant.kommun, kommun=tenant.kommun, room="notify"
    )
    own = {r["message_id"] for r in rows}
    return [m for m in instance.mails() if m in own]


async def test_killing_every_room_under_load_loses_and_doubles_nothing(instance: Instance, kommun: str) -> None:
    tenant = await instance.tenant(kommun)
    await _follower(instance, tenant, min_severity=4)
    plan = reports(LOAD, "kill")
    serious = [r | {"severity": 4} if i % 50 == 0 else r for i, r in enumerate(plan)]

    async def killer() -> list[str]:
        done = []
        for target in (*TARGETS, *TARGETS):
            await asyncio.sleep(2.0)
            if target in instance.supervisor.pids():
                instance.kill(target)
                done.append(target)
        return done

    killed, _ = await asyncio.gather(killer(), tenant.load(serious, senders=6, pause=0.08))
    tally = await tenant.tally(LOAD, patience=120)
    mails = await _settled_mails(instance, tenant, LOAD // 50, patience=90)
    print(f"\nkilled {len(killed)} times: {tally}, mails {len(mails)} of {LOAD // 50}, distinct {len(set(mails))}")
    assert set(killed) == set(TARGETS)
    assert tally == {"sent": LOAD, "facts": LOAD, "counted": LOAD, "lost": 0, "unknown": 0, "doubled": 0}
    assert len(set(mails)) == LOAD // 50
    # A mail is doubled only where the kill fell between the server's acceptance and our commit: at most one a kill.
    assert len(mails) - len(set(mails)) <= killed.count("notify work")


POINTS = (
    ("ingest", "serve", "ingest.before_commit"),
    ("ingest", "serve", "ingest.after_commit"),
    ("ingest", "work", "relay.before_publish"),
    ("ingest", "work", "relay.after_confirm"),
    ("geo", "work", "boundary.after_effect"),
    ("geo", "work", "boundary.after_confirm"),
    ("analysis", "work", "boundary.before_commit"),
    ("analysis", "work", "boundary.after_commit"),
    ("notify", "work", "notify.before_send"),
    ("notify", "work", "notify.after_send"),
)


@pytest.mark.parametrize(("room", "process", "point"), POINTS, ids=[p[2] + "-" + p[0] for p in POINTS])
async def test_killing_at_a_named_point(instance: Instance, kommun: str, room: str, process: str, point: str) -> None:
    """The process is stopped at the point, killed from here, started again, and everything adds up."""
    tenant = await instance.tenant(kommun)
    mailing = room == "notify"
    if mailing:
        await _follower(instance, tenant)
    marker = instance.ground.layout.data / f"reached-{uuid4().hex}"
    await instance.restart_with(room, process, {"LAGESBILD_FAULTPOINT": point, "LAGESBILD_FAULTFILE": str(marker)})
    plan = reports(20, "point", severity=3)

    async def killer() -> None:
        async def reached() -> bool:
            return marker.exists()

        await eventually(reached, 30, f"{point} in {room} {process}")
        instance.kill(f"{room} {process}")

    await asyncio.gather(killer(), tenant.load(plan, senders=4))
    tally = await tenant.tally(len(plan))
    assert tally == {"sent": 20, "facts": 20, "counted": 20, "lost": 0, "unknown": 0, "doubled": 0}
    if mailing:
        mails = await _settled_mails(instance, tenant, 20)
        assert len(set(mails)) == 20
        # The one window that SMTP leaves: accepted, not yet committed. There, and only there, the same mail comes
        # again, with the same Message-ID.
        assert len(mails) == (21 if point == "notify.after_send" else 20)
    await instance.restart_with(room, process, {})
