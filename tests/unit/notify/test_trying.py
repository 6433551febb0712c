"""What the page of the rules says of an example: everybody's every reason, when, and what a draft changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from starlette.datastructures import FormData

from services.notify.domain.notices import Notice
from services.notify.domain.pacing import when
from services.notify.domain.plan import DEFAULT, Match, Node, Plan, To, in_order
from services.notify.domain.routing import Followers, Subscription, held, route
from services.notify.gateways.rooms import ASKED_AGAIN, Places, own_layers
from services.notify.handlers.planning import Explained, Planning
from services.notify.web import rule_forms, trying
from services.notify.web.offered import MOST, Offered
from services.notify.web.rule_words import Words, shown
from services.pages.writing import SWEDEN
from services.runtime.asking import OtherRoom
from tests.support.notices import COMPANY, MEMBER, PERSON, follows, roster

OFFERED = Offered({"0682R012": "Centrum"}, {"Torg": {"_place/7": "Stortorget"}}, {"A-X1": ("Klotter på skola", 2)})
WORDS = Words(OFFERED.names, {PERSON: "Alex", MEMBER: "Kim"}, {}, {COMPANY: "Bo AB"}, OFFERED.type_names)


@dataclass
class _Rules:
    """The voice's rules without a database: the same functions that route and time."""

    following: Sequence[Subscription] = field(default_factory=tuple)
    going: Sequence[tuple[str, str | None, str | None]] = field(default_factory=tuple)

    async def holder(self, _kommun: str, notice: Notice, plan: Plan) -> str | None:
        return held(plan, self.going, notice)

    async def explain(self, _kommun: str, notice: Notice, plan: Plan, *, at: datetime) -> list[Explained]:
        followers = Followers(self.following)
        return [
            Explained(
                told,
                when(at, plan, told, notice.kind, None),
                ("mail",),
                tuple(s for s in followers.of(notice) if s.person_id == told.receiver.ident),
            )
            for told in route(plan, followers, roster(), notice)
        ]


async def _tried(fields: dict[str, str], draft: Plan | None = None, *following: Subscription) -> dict[str, Any]:
    rules = cast("Planning", _Rules(following))
    return await trying.tried(
        rules, "0682", trying.of_form(FormData(fields), OFFERED), WORDS, plan=DEFAULT, draft=draft
    )


async def test_why_nobody_is_told_is_said_and_what_a_signal_holds_back_now() -> None:
    fields = {"example_kind": "report/opened", "example_type": "A1", "example_area": "regso/0682R012"}
    fields["example_severity"] = "1"
    asked, signal = trying.of_form(FormData(fields), OFFERED), ("case", "0682R012", "A1")
    for going in ([], [signal]):
        rules = cast("Planning", _Rules((), going))
        answer = await trying.tried(rules, "0682", asked, WORDS, plan=DEFAULT, draft=None)
        assert answer["told"] == []
        assert answer["remarks"][-1] == "Enligt regeln Andra rapporter får ingen veta mer än den som följer själv."
        assert [r for r in answer["remarks"] if r.startswith("Just nu pågår en signal")] == answer["remarks"][:-1]
        assert len(answer["remarks"]) == 1 + len(going)


async def test_every_reason_is_named_with_what_is_followed() -> None:
    fields = {"example_kind": "report/opened", "example_type": "A3", "example_severity": "4"}
    answer = await _tried(fields, None, follows(types=("A",)), follows(person_id=MEMBER, min_severity=2))
    by_who = {t["who"]: t for t in answer["told"]}
    assert by_who["Alex"]["why"] == ["Mycket allvarlig enskild rapport",
                                     "Följer själv: skadegörelse i hela kommunen, minst allvar 1"]  # fmt: skip
    assert by_who["Kim"]["why"] == ["Följer själv: alla typer i hela kommunen, minst allvar 2"]
    assert answer["next"] == ["Om ingen tar den på 60 minuter: EST-medlemmar"]


async def test_a_report_has_the_severity_of_its_type_unless_another_is_chosen() -> None:
    asked = trying.of_form(FormData({"example_kind": "report/opened", "example_type": "A3"}), OFFERED).asked
    assert asked.severity == 3
    assert (await _tried({"example_kind": "report/opened", "example_type": "A3"}))["told"] == []
    assert (
        trying.of_form(FormData({"example_kind": "report/opened", "example_severity": "2"}), OFFERED).asked.severity
        == 2
    )


async def test_at_three_at_night_what_is_not_urgent_waits_and_the_page_says_until_when() -> None:
    night = {"example_clock": "03:00", "example_severity": "4"}
    fields = {"example_kind": "report/opened"} | night
    (grave,) = (await _tried(fields))["told"]
    assert (grave["how"], grave["at"]) == ("genast, även på natten", "genast")
    (signal, _) = (await _tried({"example_kind": "case/opened"} | night))["told"]
    assert signal["how"] == "genast"
    assert signal["at"].endswith("kl.\N{NO-BREAK SPACE}07.00, för det är tyst till dess")


async def test_a_draft_marks_who_is_new_who_waits_and_who_is_told_no_more() -> None:
    quiet = Node(
        name="lugnt", label="Lugnt", match=Match(kinds=("report",)), to=(To(role="analytiker"),), how="at_once"
    )
    draft = DEFAULT.model_copy(update={"root": DEFAULT.root.model_copy(update={"routes": (quiet,)})})
    fields = {"example_kind": "report/opened", "example_severity": "4", "example_clock": "03:00"}
    (moved,) = (await _tried(fields, draft))["told"]
    assert moved["mark"] == "ändrad, förut genast, även på natten (genast)"
    other = quiet.model_copy(update={"to": (To(role="est_medlem"),)})
    draft = DEFAULT.model_copy(update={"root": DEFAULT.root.model_copy(update={"routes": (other,)})})
    answer = await _tried(fields, draft)
    assert [(t["who"], t["mark"]) for t in answer["told"]] == [("Kim", "ny")]
    assert answer["gone"] == ["Alex"]
    assert (await _tried(fields, DEFAULT))["told"][0]["mark"] is None, "a draft that changes nothing marks nobody"


def test_the_clock_is_the_next_time_that_it_says_so_in_sweden() -> None:
    at = trying.of_form(FormData({"example_clock": "03:00"}), OFFERED).at
    assert at.astimezone(SWEDEN).hour == 3
    assert timedelta() <= at - datetime.now(UTC) <= timedelta(hours=25)


def test_a_rule_that_is_opened_is_tried_with_what_it_is_about() -> None:
    fields = {"kinds": ["report/opened"], "types": ["A3"], "areas": ["regso/0682R012"], "sources": [], "severity": ""}
    asked = trying.of_rule(fields, OFFERED).asked
    assert (asked.kind, asked.event_type, asked.area, asked.severity) == ("report", "A3", "regso/0682R012", 3)
    assert trying.of_rule(fields | {"types": ["B"]}, OFFERED).asked.event_type == "B1"
    assert trying.of_rule(fields | {"kinds": ["case/closed"], "types": []}, OFFERED).asked.state == "closed"
    assert trying.of_rule(None, OFFERED).asked == trying.of_rule(fields | {"kinds": []}, OFFERED).asked


@pytest.mark.parametrize("fields", [{"example_clock": "25:99"}, {"example_kind": "no/such"}, {"example_type": "Z9"}])
def test_an_example_that_makes_no_sense_is_the_grave_report(fields: dict[str, str]) -> None:
    assert trying.of_form(FormData(fields), OFFERED).asked == trying.of_form(None, OFFERED).asked


def test_rules_stand_in_the_order_in_which_they_are_tried_and_say_what_they_have_from_others() -> None:
    inner = Node(name="inne", label="Inne", match=Match(types=("A",)))
    outer = Node(name="ute", label="Ute", match=Match(kinds=("report",)), how="weekly", routes=(inner,),
                 to=(To(role="est_medlem"),), answer_minutes=30, then=(To(role="administrator"),))  # fmt: skip
    root = Node(name="ovrigt", label="Övrigt", to=(To(role="analytiker"),), how="daily", urgent=True, routes=(outer,))
    rows = [shown(*one, WORDS) for one in in_order(root)]
    assert [r["label"] for r in rows] == ["Inne", "Ute", "Övrigt"]
    assert rows[0]["when"] == "skadegörelse · inom Ute"
    assert rows[0]["to"] == "EST-medlemmar (från Ute)"
    assert (rows[0]["how"], rows[0]["urgent"]) == ("samlat före mötet", True)
    assert rows[0]["answer"] == "Om ingen tar den på 30 minuter: Administratörer"
    assert rows[2]["when"] == "Allt som ingen annan regel tar"


def test_what_a_rule_names_and_the_form_cannot_offer_stays_chosen() -> None:
    """Names are away, a place has ended, a type is the municipality's own: a rule never gets wider by being saved."""
    about = Match(areas=("regso/0682R012", "distrikt/7"), types=("A-X1", "F2", "A"), sources=("egen",))
    rule = Node(name="egen", label="Egen", match=about, to=(To(destination=COMPANY), To(group="öst")), wait_minutes=0,
                interval_minutes=90, repeat_hours=4)  # fmt: skip
    plan = Plan(root=DEFAULT.root.model_copy(update={"routes": (rule,)}), groups={"öst": (PERSON,)})
    more: dict[str, Any] = {"organisations": [], "rotas": [], "places": []}
    fields = rule_forms.filled(None, plan, "egen")
    assert fields is not None
    offered = rule_forms.choices(Offered(), more, plan, WORDS, fields)
    for name, choice in ("areas", "more_areas"), ("types", "rule_types"), ("to", "to"):
        assert set(fields[name]) <= {key for key, _ in offered[choice]}, name
    assert set(fields["sources"]) <= {key for key, _ in offered["sources"] + offered["rule_sources"]}
    form = FormData([(k, v) for k, vs in fields.items() for v in (vs if isinstance(vs, list) else [vs]) if v])
    assert rule_forms.changed(plan, form) == plan
    hostile = {"name": "", "to": "x:y", "types": "Z", "areas": "<b>"}
    assert rule_forms.choices(Offered(), more, plan, WORDS, rule_forms.filled(FormData(hostile), plan, ""))["to"]


async def test_an_example_has_a_source_a_type_and_a_place_of_the_municipalitys_own() -> None:
    fields = {"example_kind": "report/opened", "example_type": "A-X1", "example_source": "tips",
              "example_area": "_place/7"}  # fmt: skip
    asked = trying.of_form(FormData(fields), OFFERED).asked
    assert (asked.event_type, asked.severity, asked.source, asked.area) == ("A-X1", 2, "tips", "_place/7")
    about = Match(kinds=("report",), types=("A-X1",), sources=("tips",), areas=("_place/7",))
    rule = Node(name="torget", label="Torget", match=about, to=(To(role="est_medlem"),), how="at_once", wait_minutes=10)
    draft = Plan(root=DEFAULT.root.model_copy(update={"routes": (rule,)}))
    noon = fields | {"example_clock": "12:00"}
    (told,) = (await _tried(noon, draft))["told"]
    assert told["who"] == "Kim"
    assert told["at"].endswith("kl.\N{NO-BREAK SPACE}12.10, för att samla fler av samma slag")
    assert (await _tried(noon | {"example_source": "polis"}, draft))["told"][0]["who"] == "Alex", (
        "by the outermost rule"
    )
    shown_rule = shown(rule, (draft.root,), WORDS)
    assert shown_rule["when"] == "Enskild rapport · klotter på skola · Stortorget · Tips"
    assert shown_rule["paced"] == ["samlar i 10 minuter före det första meddelandet"]


async def test_layers_to_choose_from_are_the_municipalitys_own_and_no_register() -> None:
    asked: list[str] = []

    class Geo:
        async def get(self, path: str, *, token: str) -> Any:
            assert token == "t"
            asked.append(path)
            if path == "/v1/layers":
                kinds = (("regso", "areas", None), ("d", "areas", 2), ("p", "places", 1), ("fast", "areas", 501))
                return [{"layer": n, "kind": k, "count": c, "title": "Distrikt"} for n, k, c in kinds]
            return {"areas": [{"area": "1", "name": "Väst", "place_id": "7"}]}

    geo = cast("OtherRoom", Geo())
    assert await own_layers(geo, "t", MOST) == {"Distrikt (d)": {"d/1": "Väst"}, "Distrikt (p)": {"_place/7": "Väst"}}
    assert asked == ["/v1/layers", "/v1/layers/d/areas", "/v1/layers/p/areas"], "what a form cannot hold is not fetched"


def test_a_rule_says_what_it_can_never_tell() -> None:
    def notes(rule: Node) -> list[str]:
        paced: list[str] = shown(rule, (DEFAULT.root,), WORDS)["paced"]
        return paced

    square = Match(areas=("_place/7",))
    assert notes(Node(name="t", label="T", match=square))[0].startswith("gäller inte signaler")
    both = square.model_copy(update={"areas": ("_place/7", "regso/0682R012")})
    reports = square.model_copy(update={"kinds": ("report",)})
    assert [notes(Node(name="t", label="T", match=m)) for m in (both, reports)] == [[], []]
    daily = Node(name="t", label="T", match=reports, how="at_once", wait_minutes=1, repeat_hours=24)
    assert notes(daily) == [
        "samlar i 1 minut före det första meddelandet",
        "påminner inte: ett larm om rapporter är över efter ett dygn",
    ]
    assert notes(daily.model_copy(update={"match": Match(kinds=("case",)), "repeat_hours": 1}))[1] == (
        "påminner efter 1 timme om ingen tagit det"
    )
    for silent in ({"how": "never"}, {"match": Match(kinds=("lagesbild",))}, {"repeat_hours": 0}):
        assert not any(n.startswith("påminner") for n in notes(daily.model_copy(update=silent))), silent
    inner = Node(name="i", label="I", match=Match(areas=("_place/7",)))
    above = (DEFAULT.root, Node(name="u", label="U", match=Match(kinds=("report",))))
    assert shown(inner, above, WORDS)["paced"] == [], "the rule that it lies in lets reports alone in"


async def test_an_example_that_is_no_report_lies_in_national_areas_alone() -> None:
    torget = {"example_area": "_place/7", "example_kind": "case/opened"}
    rule = Node(name="torget", label="Torget", match=Match(areas=("_place/7",)), to=(To(person=MEMBER),), how="at_once")
    draft = Plan(root=DEFAULT.root.model_copy(update={"routes": (rule,)}))
    assert [t["who"] for t in (await _tried(torget, draft))["told"]] == ["Alex"]
    assert [t["who"] for t in (await _tried(torget | {"example_kind": "report/opened"}, draft))["told"]] == ["Kim"]


def test_areas_of_one_name_are_told_apart() -> None:
    own = {"Torg": {"_place/7": "Centrum", "_place/8": "Bron"}, "Distrikt": {"d/1": "Väst", "d/2": "Väst"}}
    assert Offered({"0682R012": "Centrum"}, own).names == {
        "regso/0682R012": "Centrum (RegSO)", "_place/7": "Centrum (Torg)", "_place/8": "Bron",
        "d/1": "Väst (1)", "d/2": "Väst (2)",
    }  # fmt: skip


async def test_what_was_drawn_a_moment_ago_has_its_name_in_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, asked = {"1": "Väst"}, []

    class Geo:
        async def get(self, path: str, **_: Any) -> Any:
            asked.append(path)
            if path == "/v1/layers":
                return [{"layer": "d", "kind": "areas", "count": 2, "title": "Distrikt"}]
            return {"areas": [{"area": code, "name": name} for code, name in drawn.items()]}

    class Tokens:
        async def of(self, _kommun: str) -> str:
            return "t"

    now = [1000.0]
    monkeypatch.setattr("services.notify.gateways.rooms.time.monotonic", lambda: now[0])
    places = Places("http://a", "http://b", "x")
    monkeypatch.setattr(places, "_geo", Geo())
    monkeypatch.setattr(places, "_tokens", Tokens())
    assert await places.followed("0682", "d", "1") == "Väst"
    drawn["2"] = "Öst"
    assert await places.followed("0682", "d", "2") == "2", "asked for a moment ago"
    assert len(asked) == 2
    now[0] += ASKED_AGAIN + 1
    assert await places.followed("0682", "d", "2") == "Öst"
    assert await places.followed("0682", "d", "1") == "Väst"
    assert len(asked) == 4
