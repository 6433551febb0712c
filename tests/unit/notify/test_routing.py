"""Who is told, by which rule, and how: the tree, what people follow, what holds back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from schemas.situation import SituationChanged
from services.notify.domain.notices import Notice, of_report, of_situation, retry_delay, too_late
from services.notify.domain.plan import DEFAULT, Hold, Match, Node, Plan, To
from services.notify.domain.routing import (
    APART,
    FOLLOWED,
    Followers,
    Member,
    Policy,
    Receiver,
    Roster,
    Subscription,
    concerns,
    held,
    nobody_named,
    policies,
    policy_of,
    route,
)
from services.notify.domain.routing import (
    follows as is_followed,
)
from services.notify.handlers.rounds import expect_answer
from services.notify.handlers.telling import single
from services.notify.web.rule_forms import why
from tests.support.facts import NOON, located, report_id
from tests.support.notices import COMPANY, MEMBER, OTHER, PERSON, case, follows, report, roster, situation

NOBODY_FOLLOWS = Followers([])
LIMITS: dict[str, Any] = {"deadline": timedelta(hours=24), "oldest_event": timedelta(days=7), "restored_at": None}


@pytest.mark.parametrize(
    ("subscription", "expected"),
    [
        (follows(), True),
        (follows(min_severity=4), False),
        (follows(area="0682R012"), True),
        (follows(area="0682R001"), False),
        (follows(types=("A",)), True),
        (follows(types=("A1", "B")), True),
        (follows(types=("A2",)), False),
        (follows(types=("B",)), False),
        (follows(layer="kommun", area="0682"), True),
        (follows(kommun="1280"), False),
    ],
)
def test_what_is_followed(subscription: Subscription, expected: bool) -> None:
    assert is_followed(subscription, report(severity=3)) is expected
    assert list(Followers([subscription]).of(report(severity=3))) == ([subscription] if expected else [])


def test_a_case_is_followed_when_it_opens_and_ends_but_not_every_week() -> None:
    follower = follows(area="0682R012", min_severity=4)
    assert [is_followed(follower, case(s)) for s in ("opened", "changed", "closed")] == [True, False, True]


def told(notice: Any, plan: Plan = DEFAULT, followers: Followers = NOBODY_FOLLOWS, who: Roster | None = None) -> Any:
    return {t.receiver.ident: t.policy for t in route(plan, followers, who or roster(), notice)}


def test_on_the_first_day_people_hear_of_what_matters_by_role() -> None:
    serious = told(report(severity=4))
    assert set(serious) == {PERSON}
    assert (serious[PERSON].how, serious[PERSON].urgent, serious[PERSON].answer_minutes) == ("at_once", True, 60)
    assert told(report(severity=3)) == {}
    assert set(told(case())) == {PERSON, MEMBER}
    assert not told(case())[MEMBER].urgent
    assert set(told(case("changed"))) == {PERSON}
    assert told(case("changed"))[PERSON].how == "daily"
    silent = situation(kind="silent_source", event_type=None, area=None, organisation=COMPANY)
    assert told(case_of(silent))[PERSON].how == "daily"
    adopted = situation(kind="lagesbild", state="adopted", event_type=None, area=None, number="2026:23")
    assert set(told(case_of(adopted))) == {PERSON, MEMBER}


def case_of(changed: SituationChanged) -> Notice:
    return of_situation(changed, "c")


def test_who_follows_and_is_named_hears_once_by_what_is_soonest() -> None:
    both = told(report(severity=4), followers=Followers([follows()]))
    assert both[PERSON].rule == "allvarlig"
    (found,) = route(DEFAULT, Followers([follows()]), roster(), report(severity=4))
    assert found.rules == ("allvarlig", FOLLOWED)


def test_who_follows_what_a_rule_gathers_first_does_not_wait_for_it() -> None:
    rule = Node(name="r", label="R", match=Match(kinds=("report",)), to=(To(role="est_medlem"),), how="at_once",
                wait_minutes=30)  # fmt: skip
    plan = Plan(root=DEFAULT.root.model_copy(update={"routes": (rule,)}))
    assert told(report(severity=3), plan)[MEMBER].wait_minutes == 30
    own = Followers([follows(person_id=MEMBER)])
    assert told(report(severity=3), plan, own)[MEMBER].rule == FOLLOWED


def test_somebody_who_may_not_be_told_any_more_is_not() -> None:
    gone = follows(person_id=UUID(int=9))
    assert told(report(severity=3), followers=Followers([gone])) == {}


def plan(*routes: Node, **more: Any) -> Plan:
    root = Node(name="rot", label="Rot", to=(To(role="analytiker"),), how="daily", routes=routes)
    return Plan(root=root, **more)


def test_a_branch_has_from_above_what_it_leaves_out_and_the_first_that_matches_is_the_last() -> None:
    inner = Node(
        name="centrum", label="Centrum", match=Match(areas=("regso/0682R012",)), to=(To(organisation=COMPANY),)
    )
    first = Node(name="klotter", label="Klotter", match=Match(types=("A",)), how="at_once", urgent=True,
                 routes=(inner,))  # fmt: skip
    second = Node(name="allt", label="Allt", to=(To(role="administrator"),))
    (found,) = policies(plan(first, second), report())
    assert (found.rule, found.path, found.how, found.urgent) == (
        "centrum",
        ("Rot", "Klotter", "Centrum"),
        "at_once",
        True,
    )
    assert set(told(report(), plan(first, second))) == {MEMBER}
    go_on = first.model_copy(update={"go_on": True})
    assert set(told(report(), plan(go_on, second))) == {MEMBER, OTHER}
    assert set(told(report(areas=("0682R001",)), plan(first, second))) == {PERSON}
    assert set(told(report(event_type="B1"), plan(first))) == {PERSON}


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (Match(kinds=("case",)), False),
        (Match(kinds=("report", "case")), True),
        (Match(states=("closed",)), False),
        (Match(kinds=("report/opened", "case/closed")), True),
        (Match(kinds=("report/closed", "case/opened")), False),
        (Match(sources=("tips",)), False),
        (Match(sources=("rapportor",), types=("A",), min_severity=1), True),
        (Match(areas=("kommun/0682",)), True),
        (Match(areas=("kommun/1280",)), False),
    ],
)
def test_matching_a_rule(match: Match, expected: bool) -> None:
    found = policies(plan(Node(name="x", label="X", match=match)), report())
    assert (found[0].rule == "x") is expected


def test_a_rota_without_anybody_tells_the_next_and_says_so() -> None:
    duty = Node(name="jour", label="Jour", to=(To(rota="kvall"),), how="at_once", then=(To(role="est_medlem"),))
    assert set(told(report(), plan(duty))) == {MEMBER}
    assert nobody_named(plan(duty), roster(), report()) == ["jour"]
    alone = duty.model_copy(update={"then": ()})
    assert set(told(report(), plan(alone))) == {PERSON}
    on = roster(on_duty={"kvall": frozenset({OTHER})})
    assert set(told(report(), plan(duty), who=on)) == {OTHER}
    assert nobody_named(plan(duty), on, report()) == []


def test_a_group_a_person_and_a_place_outside() -> None:
    place = UUID(int=7)
    to = (To(group="falt"), To(person=OTHER), To(destination=place), To(destination=UUID(int=8)))
    chosen = plan(Node(name="x", label="X", to=to), groups={"falt": (MEMBER,)})
    found = {t.receiver for t in route(chosen, NOBODY_FOLLOWS, roster(destinations=frozenset({place})), report())}
    assert found == {Receiver("person", MEMBER), Receiver("person", OTHER), Receiver("destination", place)}


def test_an_open_case_holds_back_single_reports_of_its_area_and_type_but_not_serious_ones() -> None:
    going = [("case", "0682R012", "A1")]
    assert held(DEFAULT, going, report(severity=3)) == "case"
    assert held(DEFAULT, going, report(severity=4)) is None
    assert held(DEFAULT, going, report(severity=3, event_type="A2")) is None
    assert held(DEFAULT, going, report(severity=3, areas=("0682R001",))) is None
    assert held(DEFAULT, [("case", "0682R012", None)], report(severity=3)) is None, "of no single type"
    assert held(plan(holds=(Hold(by="report", kind="report"),)), going, report(severity=3)) is None


def test_what_concerns_nobody_is_not_even_looked_up() -> None:
    assert not concerns(DEFAULT, NOBODY_FOLLOWS, report(severity=3))
    assert concerns(DEFAULT, Followers([follows(area="0682R012")]), report(severity=3))
    assert concerns(DEFAULT, NOBODY_FOLLOWS, report(severity=4))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"root": {"name": "a", "label": "A"}}, "outermost"),
        ({"root": {"name": "a", "label": "A", "to": [{}]}}, "exactly one"),
        ({"root": {"name": "a", "label": "A", "to": [{"role": "analytiker", "group": "x"}]}}, "exactly one"),
        ({"root": {"name": "a", "label": "A", "to": [{"group": "x"}]}}, "no group"),
        (
            {
                "root": {
                    "name": "a",
                    "label": "A",
                    "to": [{"role": "analytiker"}],
                    "routes": [{"name": "a", "label": "B"}],
                }
            },
            "name of its own",
        ),
        ({"root": {"name": "a", "label": "A", "to": [{"role": "rapportor"}]}}, "analytiker"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(document: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Plan.model_validate(document)


def test_the_default_survives_being_stored() -> None:
    assert Plan.model_validate_json(DEFAULT.model_dump_json(exclude_none=True)) == DEFAULT


def test_a_report_is_one_notice_whatever_its_revision_and_grouped_unless_serious() -> None:
    assert report(revision=1).notice_id == report(revision=7, placement=3).notice_id
    assert report(1, severity=3).dedup_key == report(2, severity=3).dedup_key
    assert report(1, severity=4).dedup_key != report(2, severity=4).dedup_key
    assert case("opened").dedup_key == case("closed", revision=2).dedup_key
    assert case("opened").notice_id != case("closed", revision=2).notice_id


@pytest.mark.parametrize("changes", [{"withdrawn": True}, {"merged_into": report_id(2)}, {"event_type": "G1"}])
def test_nothing_to_tell(changes: dict[str, Any]) -> None:
    assert of_report(located(**changes), "c") is None


def test_what_is_too_late_is_recorded_and_never_sent() -> None:
    assert too_late(report(), NOON + timedelta(hours=23), **LIMITS) is None
    assert too_late(report(), NOON + timedelta(hours=25), **LIMITS) == "past_deadline"
    old = report(time_from=NOON - timedelta(days=9), time_to=NOON - timedelta(days=8))
    assert too_late(old, NOON, **LIMITS) == "old_event"
    assert too_late(report(), NOON, **(LIMITS | {"restored_at": NOON})) == "restored"


def test_fields_of_a_newer_release_do_not_stop_an_older_one() -> None:
    """As the store reads a plan; what is handed in with a field that nobody knows is refused."""
    stored = DEFAULT.model_dump(mode="json") | {"later": 1}
    stored["root"]["routes"][0]["later"] = 2
    assert Plan.model_validate(stored, extra="ignore") == DEFAULT
    with pytest.raises(ValidationError):
        Plan.model_validate(stored)


def test_retries_back_off() -> None:
    assert [retry_delay(n, 600) for n in (1, 2, 3, 50)] == [5, 10, 20, 600]


def test_what_is_wrong_with_a_rule_is_said_in_swedish() -> None:
    def fault(change: dict[str, Any]) -> str:
        with pytest.raises(ValidationError) as refused:
            Plan.model_validate(DEFAULT.model_dump() | change)
        return why(refused.value)

    assert fault({"meeting": {"hours_before": 300}}).startswith("Klockslag skrivs som 07:00")
    assert fault({"root": {"name": "a", "label": ""}}) == "Ge regeln ett namn, högst 80 tecken."
    assert fault({"root": {"name": "a", "label": "A"}}) == "Den yttersta regeln måste säga vem som får veta."
    many = [{"name": f"r{n}", "label": "R"} for n in range(60)]
    assert fault({"root": {"name": "a", "label": "A", "to": [{"role": "analytiker"}], "routes": many}}).startswith(
        "Högst 60"
    )


def test_a_case_of_a_whole_group_holds_back_and_is_followed_as_its_group() -> None:
    group = case(event_type=None, event_group="A")
    assert group.event_type == "A"
    assert follows_it(group, types=("A",))
    assert not follows_it(group, types=("A1",)), "who follows one type is not told of all"
    assert held(DEFAULT, [("case", "0682R012", "A")], report(severity=3, event_type="A2")) == "case"
    assert held(DEFAULT, [("case", "0682R012", "B")], report(severity=3, event_type="A2")) is None


def follows_it(notice: Notice, **changes: Any) -> bool:
    return next(Followers([follows(**changes)]).of(notice), None) is not None


def test_what_a_rule_has_from_above_can_be_switched_off_and_holds_no_urgent_message_apart() -> None:
    root = DEFAULT.root.model_copy(update={"interval_minutes": 1440, "repeat_hours": 4, "routes": ()})
    inner = Node(name="inne", label="Inne")
    assert (policy_of(inner, (root,)).interval_minutes, policy_of(inner, (root,)).repeat_hours) == (1440, 4)
    urgent = inner.model_copy(update={"urgent": True, "repeat_hours": 0})
    assert (policy_of(urgent, (root,)).interval_minutes, policy_of(urgent, (root,)).repeat_hours) == (APART, None)
    chosen = urgent.model_copy(update={"interval_minutes": 240})
    assert policy_of(chosen, (root,)).interval_minutes == 240, "its own choice"


def test_the_rule_that_waits_the_least_decides_when_the_next_are_told() -> None:
    def asked(minutes: int, name: str) -> Policy:
        return Policy(name, (), (), "at_once", answer_minutes=minutes, then=(To(role="administrator"),))

    alert = single("0682", OTHER, "report", {}, rule="", subject_id=OTHER, now=NOON)
    for minutes, name in ((120, "slow"), (15, "fast"), (60, "between")):
        expect_answer(alert, asked(minutes, name), NOON)
    assert (alert.answer_by, alert.rule) == (NOON + timedelta(minutes=15), "fast")
    alert.step = 1  # the next have been told: they have the time that they were given
    expect_answer(alert, asked(5, "late"), NOON)
    assert alert.answer_by == NOON + timedelta(minutes=15)


def test_a_signal_holds_back_nothing_from_who_asks_for_areas_that_no_signal_is_about() -> None:
    square = ("_place", "0b5ff5b4-9f1f-4f6e-8f7e-000000000001")
    found = replace(report(severity=3), areas=report().areas | {square})
    everybody = Roster({p: Member(p, frozenset({"est_medlem"})) for p in (PERSON, MEMBER, OTHER)})
    followers = Followers([
        follows(person_id=PERSON), follows(person_id=MEMBER, area="0682R012"),
        follows(person_id=OTHER, layer=square[0], area=square[1]),
    ])  # fmt: skip
    whole = Followers([follows(person_id=PERSON, layer="kommun", area="0682")])
    assert route(DEFAULT, whole, everybody, found, held=True) == [], "the municipality is no area of its own"
    assert {t.receiver.ident for t in route(DEFAULT, followers, everybody, found, held=True)} == {OTHER}
    assert {t.receiver.ident for t in route(DEFAULT, followers, everybody, found)} == {PERSON, MEMBER, OTHER}
    own = Node(
        name="torget", label="Torget", match=Match(areas=("/".join(square),)), to=(To(person=MEMBER),), how="at_once"
    )
    both = Node(
        name="alla", label="Alla", match=Match(kinds=("report",)), to=(To(person=PERSON),), how="at_once", go_on=True
    )
    root = Node(name="rot", label="Rot", to=(To(person=PERSON),), routes=(both, own))
    rules = Plan(root=root, holds=DEFAULT.holds)
    assert {t.receiver.ident for t in route(rules, Followers([]), everybody, found, held=True)} == {MEMBER}
