"""What meets in the voice: a message in hand and news of its alert, withdrawals, people who let go, nobody at all."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from schemas.envelope import Envelope
from schemas.locations import ReportLocated
from services.notify.domain.notices import Notice, of_report
from services.notify.domain.routing import REPORTED, Receiver
from services.notify.gateways.rooms import Directory
from services.notify.handlers.entering import take_reports
from services.notify.handlers.rules import Rules, rules_of
from services.notify.handlers.telling import announce, single
from services.notify.store import deliveries, queue
from services.runtime.decoding import Received
from tests.integration.test_voice import crew, ledger
from tests.support.facts import located
from tests.support.http import asking
from tests.support.instance import Instance
from tests.support.voice import Voice, never_quiet, now_case, somebody, voice


def _serious(kommun: str, number: int = 1, **changes: Any) -> ReportLocated:
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "severity": 4,
        "received_at": now,
        "minted_at": now,
        "time_from": now,
        "time_to": now,
    } | changes
    return located(number, kommun=kommun, **values)


def _notice(report: ReportLocated) -> Notice:
    found = of_report(report, "c")
    assert found is not None
    return found


async def test_a_message_in_hand_is_not_taken_by_another_sender_when_news_comes(
    instance: Instance, kommun: str
) -> None:
    await crew(instance, kommun)
    found = now_case(kommun)
    async with voice(instance) as parts:
        await parts.enter(found)
        await parts.router.route_some()
        async with parts.database.transaction() as connection:
            claimed = await queue.claim_message(connection, 60, 10)
        assert claimed is not None
        await parts.enter(found.model_copy(update={"state": "closed", "revision": 2}))
        await parts.router.route_some()
        async with parts.database.transaction() as connection:
            again = [await queue.claim_message(connection, 60, 10) for _ in range(3)]
        taken = [ident for one in again if one is not None for ident in one[1]]
        assert not set(claimed[1]) & set(taken)


async def test_what_waits_takes_over_that_it_is_reminded_of(instance: Instance, kommun: str) -> None:
    """A daily rule's message waits; one by a rule that reminds joins it: one message, reminded of."""
    _, analyst, _ = await crew(instance, kommun)
    async with voice(instance) as parts:
        await parts.enter(now_case(kommun))
        await parts.router.route_some()
        async with parts.database.transaction((kommun,)) as connection:
            query = text("select alert_id, subject_id from deliveries where person_id = :person")
            row = (await connection.execute(query, {"person": analyst.ident})).one()
            for hours in (None, 6, None):
                await deliveries.add(connection, kommun, [deliveries.Entry(
                    uuid4(), "person", analyst.ident, row.alert_id, row.subject_id, "case", "r", ("r",),
                    urgent=False, repeat_hours=hours, correlation_id="c", deadline=datetime.now(UTC),
                )])  # fmt: skip
        rows = await instance.sql(
            "select repeat_hours from deliveries where kommun = $1 and person_id = $2",
            kommun, analyst.ident, kommun=kommun, room="notify",
        )  # fmt: skip
        assert [r["repeat_hours"] for r in rows] == [6]


async def test_a_report_that_turns_out_to_be_grave_is_told_once_more_and_at_once(
    instance: Instance, kommun: str
) -> None:
    _, analyst, _ = await crew(instance, kommun)
    hours = timedelta(hours=30)
    mild = _serious(kommun, severity=2, received_at=datetime.now(UTC) - hours)
    grave = mild.model_copy(update={"report": mild.report.model_copy(update={"severity": 4, "revision": 2})})
    again = grave.model_copy(update={"report": grave.report.model_copy(update={"count": 3, "revision": 3})})
    async with voice(instance) as parts:
        for report in (mild, grave, again, grave):
            async with parts.database.transaction((kommun,)) as connection:
                await take_reports(connection, [_received(report)])
            await parts.settle()
        assert [(a, m.urgent) for a, m in parts.channels["mail"].sent] == [(analyst.email, True)]


async def test_a_report_that_turns_out_to_be_less_grave_is_not_told_again_and_wakes_nobody(
    instance: Instance, kommun: str
) -> None:
    _, _, member = await crew(instance, kommun)
    async with asking(instance.ground.layout.url("notify_serve")) as http:
        await http.post("/v1/subscriptions", json={"min_severity": 1}, headers=member.bearer)
    grave = _serious(kommun)
    less = grave.model_copy(update={"report": grave.report.model_copy(update={"severity": 2, "revision": 2})})
    async with voice(instance) as parts:
        for report in (grave, less, grave):
            async with parts.database.transaction((kommun,)) as connection:
                await take_reports(connection, [_received(report)])
            await parts.settle()
        assert sorted(m.urgent for _, m in parts.channels["mail"].sent) == [True, True], "analyst and follower, once"
        other = _serious(kommun, 2)
        lowered = other.model_copy(update={"report": other.report.model_copy(update={"severity": 1, "revision": 2})})
        async with parts.database.transaction((kommun,)) as connection:
            await take_reports(connection, [_received(other), _received(lowered)])
        await parts.settle()
        assert [m.urgent for _, m in parts.channels["mail"].sent] == [True, True, False], "both at once: what it is now"
        query = "select state from alerts where kommun = $1 and severity = 4"
        assert [r["state"] for r in await instance.sql(query, kommun, kommun=kommun, room="notify")] == ["over"]


async def test_what_is_taken_back_or_lowered_before_it_is_told_is_not_told_as_it_was(
    instance: Instance, kommun: str
) -> None:
    """A mild report that waits for seven; a grave one that nobody has routed yet."""
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "how": "daily", "routes": []}
    await crew(instance, kommun, root=root)

    async def take(parts: Voice, report: ReportLocated) -> None:
        async with parts.database.transaction((kommun,)) as connection:
            await take_reports(connection, [_received(report)])

    async with voice(instance) as parts:
        mild = _serious(kommun, severity=2)
        await take(parts, mild)
        await parts.settle()
        assert [(r["state"], r["error"]) for r in await ledger(instance, kommun)] == [("due", None)]
        await take(parts, _revised(mild, 2, withdrawn=True))
        assert [(r["state"], r["error"]) for r in await ledger(instance, kommun)] == [("held", "withdrawn")]
        grave = _serious(kommun, 2, event_type="B1")
        await take(parts, grave)
        await take(parts, _revised(grave, 2, severity=2))
        await parts.settle()
        query = "select severity, closed_at from alerts where kommun = $1 and event_type = 'B1'"
        rows = await instance.sql(query, kommun, kommun=kommun, room="notify")
        assert [(r["severity"], r["closed_at"]) for r in rows] == [(2, None)], "told as what it is now, once"
        await take(parts, _revised(grave, 3, severity=4))
        await parts.settle()
        rows = await instance.sql(query, kommun, kommun=kommun, room="notify")
        assert sorted(r["severity"] for r in rows) == [2, 4], "and again when it is grave after all"


def _revised(report: ReportLocated, revision: int, **changes: Any) -> ReportLocated:
    changed = report.report.model_copy(update={"revision": revision, **changes})
    return report.model_copy(update={"report": changed})


async def test_a_withdrawn_report_is_not_told_and_wakes_nobody(instance: Instance, kommun: str) -> None:
    await crew(instance, kommun)
    report = _serious(kommun)
    async with voice(instance) as parts:
        await parts.enter(_notice(report))
        await parts.router.route_some()
        gone = report.model_copy(update={"report": report.report.model_copy(update={"withdrawn": True, "revision": 2})})
        async with parts.database.transaction((kommun,)) as connection:
            await take_reports(connection, [_received(gone)])
        await parts.settle()
        assert parts.channels["mail"].sent == []
        assert {(r["state"], r["error"]) for r in await ledger(instance, kommun)} == {("held", "withdrawn")}
        await _past(parts, instance, kommun)
        assert parts.channels["mail"].sent == []


async def test_a_report_that_is_withdrawn_before_anybody_routed_it_is_not_told(instance: Instance, kommun: str) -> None:
    await crew(instance, kommun)
    report = _serious(kommun)
    gone = report.model_copy(update={"report": report.report.model_copy(update={"withdrawn": True, "revision": 2})})
    async with voice(instance) as parts:
        other = _serious(kommun, 2)
        none = other.model_copy(update={"report": other.report.model_copy(update={"withdrawn": True, "revision": 2})})
        for batch in ([report], [gone], [other, none]):
            async with parts.database.transaction((kommun,)) as connection:
                await take_reports(connection, [_received(r) for r in batch])
        await parts.settle()
        assert parts.channels["mail"].sent == []
        rows = await instance.sql(
            "select state, reason from notices where kommun = $1", kommun, kommun=kommun, room="notify"
        )
        assert [(r["state"], r["reason"]) for r in rows] == [("held", "withdrawn")], "of the second nothing was entered"


def _received(message: ReportLocated) -> Received[ReportLocated]:
    envelope = Envelope(
        id="x", source="/x", type="x", time=datetime.now(UTC), partitionkey=message.kommun, correlationid="c"
    )
    return Received(message, envelope, message.kommun, message.model_dump_json())


async def _past(parts: Voice, instance: Instance, kommun: str) -> None:
    parts.ahead += timedelta(hours=2)
    await instance.sql("update due set at = now() where kommun = $1", kommun, room="notify")
    await parts.pursuer.pursue_some()
    await instance.sql("update due set at = now() where kommun = $1 and what = 'send'", kommun, room="notify")
    await parts.settle()


async def test_who_lets_go_leaves_it_to_the_next(instance: Instance, kommun: str) -> None:
    _, analyst, member = await crew(instance, kommun)
    url = instance.ground.layout.url("notify_serve")
    http = asking(url, headers=analyst.bearer)
    async with http, voice(instance) as parts:
        await parts.enter(_notice(_serious(kommun)))
        await parts.settle()
        (alert,) = (await http.get("/v1/alerts")).json()
        assert (await http.post(f"/v1/alerts/{alert['alert_id']}/take")).json()["mine"]
        parts.channels["mail"].sent.clear()
        await _past(parts, instance, kommun)
        assert parts.channels["mail"].sent == []
        assert not (await http.delete(f"/v1/alerts/{alert['alert_id']}/take")).json()["owned"]
        await _past(parts, instance, kommun)
        assert [a for a, _ in parts.channels["mail"].sent] == [member.email]


async def test_what_nobody_can_be_told_of_waits_until_somebody_can(instance: Instance, kommun: str) -> None:
    await instance.tenant(kommun)
    admin = await somebody(instance, kommun, "administrator")
    await never_quiet(instance, admin)
    async with voice(instance) as parts:
        await parts.enter(_notice(_serious(kommun)))
        await parts.settle()
        assert await ledger(instance, kommun) == []
        analyst = await somebody(instance, kommun, "analytiker")
        await parts.roll.refresh(kommun)
        await instance.sql("update due set at = now() where kommun = $1", kommun, room="notify")
        await parts.settle()
        assert [a for a, _ in parts.channels["mail"].sent] == [analyst.email]


async def test_the_addresses_of_many_are_asked_for_at_once(
    instance: Instance, kommun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crew(instance, kommun)
    everybody = [await somebody(instance, kommun, "est_medlem") for _ in range(8)]
    questions: list[int] = []
    emails = Directory.emails

    async def counted(self: Directory, kommun: str, people: Collection[UUID], *, feedback: bool = False) -> Any:
        questions.append(len(people))
        return await emails(self, kommun, people, feedback=feedback)

    monkeypatch.setattr(Directory, "emails", counted)
    async with voice(instance) as parts:
        await parts.roll.refresh(kommun)
        await parts.enter(now_case(kommun))
        await parts.router.route_some()
        await asyncio.gather(*(parts.settle() for _ in range(3)))
        told = [address for address, _ in parts.channels["mail"].sent]
    assert sorted(told) == sorted({*told}), "once each"
    assert {p.email for p in everybody} <= {*told}
    assert len(questions) <= 3, f"ten receivers, at most one question for each of three senders: {questions}"
    assert max(questions) >= 8


async def test_rules_are_read_again_when_anybody_has_changed_them(instance: Instance, kommun: str) -> None:
    """By whatever statement."""
    admin, _, member = await crew(instance, kommun)
    async with voice(instance) as parts, asking(instance.ground.layout.url("notify_serve")) as http:

        async def rules() -> Rules:
            async with parts.database.transaction((kommun,)) as connection:
                return (await rules_of(connection, [kommun]))[kommun]

        first = await rules()
        assert (await rules())[1] is first[1], "not read again"
        body = {"area": None, "types": ["A"], "min_severity": 2}
        added = await http.post("/v1/subscriptions", json=body, headers=member.bearer)
        assert added.status_code == 201, added.text
        found = _notice(_serious(kommun, event_type="A1"))
        assert [s.person_id for s in (await rules())[1].of(found)] == [member.ident]
        plan = (await http.get("/v1/routing", headers=admin.bearer)).json()
        plan["plan"]["messages_per_hour"] = 3
        assert (await http.put("/v1/routing", json=plan, headers=admin.bearer)).status_code == 200
        assert (await rules())[0].messages_per_hour == 3
        await instance.sql("delete from subscriptions where kommun = $1", kommun, kommun=kommun, room="notify")
        assert list((await rules())[1].of(found)) == []


async def test_who_has_taken_it_is_reminded_again_after_letting_go(instance: Instance, kommun: str) -> None:
    """A rule that reminds and asks for no answer: taken over the reminder's moment, then let go."""
    rule = {"name": "signal", "label": "Signal", "match": {"kinds": ["case"]}, "how": "at_once", "repeat_hours": 4}
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "routes": [rule]}
    _, analyst, _ = await crew(instance, kommun, root=root)
    soon = "update due set at = now() where kommun = $1 and what = 'send'"
    async with voice(instance) as parts, asking(instance.ground.layout.url("notify_serve")) as http:
        await parts.enter(now_case(kommun))
        await parts.settle()
        (found,) = (await http.get("/v1/alerts", headers=analyst.bearer)).json()
        for method, mails in (("POST", 1), ("DELETE", 2)):
            answer = await http.request(method, f"/v1/alerts/{found['alert_id']}/take", headers=analyst.bearer)
            assert answer.status_code == 200, answer.text
            parts.ahead += timedelta(hours=4, minutes=5)
            await instance.sql(soon, kommun, room="notify")
            await parts.settle()
            assert len(parts.channels["mail"].sent) == mails, method


async def test_what_somebody_reported_goes_by_itself_and_is_read_off_beside_nothing(
    instance: Instance, kommun: str
) -> None:
    """Somebody who reports and is told of signals: two messages, each with its own subject and id."""
    _, analyst, _ = await crew(instance, kommun)
    async with voice(instance) as parts:
        await parts.enter(now_case(kommun))
        await parts.router.route_some()
        async with parts.database.transaction((kommun,)) as connection:
            own = single(kommun, uuid4(), "feedback", {"number": "2026:48", "kinds": {"A1": 2}}, rule=REPORTED,
                         subject_id=uuid4(), now=datetime.now(UTC))  # fmt: skip
            to = [(Receiver("person", analyst.ident), (REPORTED,))]
            await announce(connection, own, to, at=datetime.now(UTC), reason="feedback", kept_for=timedelta(days=1))
        await parts.settle()
        assert len([a for a, _ in parts.channels["mail"].sent if a == analyst.email]) == 2
    query = "select kind, message_id, said->>'subject' as subject from deliveries where kommun = $1 and person_id = $2"
    rows = await instance.sql(query, kommun, analyst.ident, kommun=kommun, room="notify")
    said = {r["kind"]: (r["message_id"], r["subject"]) for r in rows}
    assert said["case"][0] != said["feedback"][0]
    assert said["feedback"][1] == "Återkoppling" != said["case"][1]
