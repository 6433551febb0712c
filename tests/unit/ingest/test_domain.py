"""Which version wins, what is refused, what the privacy guard sees."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.envelope import client_report_id
from services.ingest import domain, guard, versions
from services.ingest.domain import Refusal, ReportIn
from services.runtime.minting import EPOCH_SHIFT, next_number
from tests.support.facts import NOON

CLIENT = UUID("11111111-1111-4111-8111-111111111111")


def given_report(**changes: Any) -> ReportIn:
    values: dict[str, Any] = {
        "id": "a",
        "event_type": "A1",
        "time_from": NOON.isoformat(),
        "place": {"coordinates": {"x": 14.7, "y": 57.65}},
    }
    return ReportIn.model_validate(values | changes)


def test_the_same_version_with_the_same_content_is_a_replay_for_ever() -> None:
    verdict = versions.judge("integer", Decimal(1), "h", known=("integer", Decimal(9)), same_version_hash="h")
    assert verdict == "replay"


@pytest.mark.parametrize(
    ("known", "stored", "expected"),
    [
        (None, None, "new"),
        (("integer", Decimal(1)), None, "newer"),
        (("integer", Decimal(3)), None, "older"),
        (("integer", Decimal(2)), "other", "conflict"),
        (("time", Decimal(1)), None, "other_kind"),
    ],
)
def test_verdicts(known: tuple[str, Decimal] | None, stored: str | None, expected: str) -> None:
    assert versions.judge("integer", Decimal(2), "h", known=known, same_version_hash=stored) == expected


def test_times_and_numbers_are_ordered_within_their_kind() -> None:
    early, late = (versions.version_key(NOON + timedelta(seconds=s)) for s in (0, 1))
    assert early[0] == late[0] == "time"
    assert early[1] < late[1]
    assert versions.version_key(7) == ("integer", Decimal(7))


def _fingerprint(report: ReportIn) -> str:
    return versions.fingerprint(versions.content_of(report), report.text)


def test_a_fingerprint_ignores_id_and_version_only() -> None:
    base = _fingerprint(given_report())
    assert _fingerprint(given_report(id="b", source_version=5)) == base
    others = given_report(count=2), given_report(text="Klotter"), given_report(ongoing=True)
    assert len({base, *map(_fingerprint, others)}) == 4


def test_what_was_told_under_a_fingerprint_of_the_first_kind_is_recognised() -> None:
    first = "24162133f2983274ceb8bba5add5e93191028a17bf566edd959767c0ab620486"
    report = given_report(text="Klotter på väggen")
    digest = _fingerprint(report)
    assert versions.same_kind(report, digest, digest) == digest
    assert versions.same_kind(report, digest, "5" * 64) == first


@given(st.integers(0, 3), st.integers(0, 50))
def test_minted_numbers_only_grow_also_over_a_restore(epoch: int, steps: int) -> None:
    number = None
    for _ in range(steps + 1):
        following = next_number(number, epoch)
        assert number is None or following > number
        number = following
    assert number is not None
    assert next_number(number, epoch + 1) > number
    assert next_number(number, epoch + 1) >> EPOCH_SHIFT == epoch + 1


def test_a_sender_s_own_id_gives_the_same_report_id_for_ever() -> None:
    assert client_report_id(CLIENT, "a") == client_report_id(CLIENT, "a")
    assert client_report_id(CLIENT, "a") != client_report_id(UUID(int=5), "a")


@pytest.mark.parametrize(
    "changes",
    [
        {"suspect": "x"},
        {"event_type": "H1"},
        {"time_from": "2026-11-19T12:00:00"},
        {"time_to": "2026-11-18T12:00:00Z"},
        {"count": 0},
        {"place": {"coordinates": {"x": float("nan"), "y": 1}}},
        {"place": {"coordinates": {"x": 1, "y": 1}, "name": "x"}},
        {"place": {"text": "x" * 121}},
        {"text": "x" * 1001},
        {"text": "a\0b"},
        {"place": {"text": "a\0b"}},
    ],
)
def test_bad_reports_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        given_report(**changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"event_type": "A99"}, "unknown_type"),
        ({"time_from": "2027-01-01T00:00:00Z"}, "future_time"),
        ({"place": {}}, "missing_place"),
        ({"text": "ring 070-123 45 67"}, "personal_identifier"),
        ({"place": {"text": "hos anna@exempel.se"}}, "personal_identifier"),
    ],
)
def test_well_formed_reports_may_still_be_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        domain.check(given_report(**changes), frozenset(), NOON)
    assert refusal.value.code == code


def test_a_zero_report_needs_no_place_and_a_local_type_is_known() -> None:
    domain.check(given_report(event_type="G1", place={}), frozenset(), NOON)
    domain.check(given_report(event_type="A-X1"), frozenset({"A-X1"}), NOON)
    domain.check(given_report(event_type="F1", time_from="2026-12-24T12:00:00Z"), frozenset(), NOON)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("19811228-9874", ["personnummer"]),
        ("811228-9874", ["personnummer"]),
        ("8112289874", ["personnummer"]),
        ("701063-2391", ["personnummer"]),
        ("811228-9875", []),
        ("Storgatan 12, 571 31 Nässjö", []),
        ("rad 2026-11-19 kl 07.10", []),
        ("skriv till x.y@kommun.se", ["email"]),
        ("tel 0380-51 80 00", ["phone"]),
        ("+46 70 123 45 67", ["phone"]),
        ("buss 370 mot 4 platser", []),
        ("", []),
    ],
)
def test_the_guard_sees_what_is_certain_and_leaves_the_rest(text: str, rules: list[str]) -> None:
    assert [f.rule for f in guard.findings(text) if f.sure] == rules


def test_short_numbers_have_no_signs_that_look_alike() -> None:
    number = domain.short_number(UUID("4f7c20aa-1111-4111-8111-111111111111"))
    assert number == "EGE7-WB"
    assert not set(number) & set("01OIL")


def test_times_are_utc() -> None:
    assert given_report(time_from="2026-11-19T13:00:00+01:00").time_from == datetime(2026, 11, 19, 12, tzinfo=UTC)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00"])
@pytest.mark.parametrize("field", ["time_from", "time_to"])
def test_moments_that_nobody_can_count_with_are_refused_and_break_nothing(field: str, moment: str) -> None:
    with pytest.raises(ValidationError) as refused:
        given_report(**{"time_from": "1950-01-01T00:00:00Z", field: moment})
    assert refused.value.errors()[0]["loc"] == (field,)


def test_a_version_outside_the_calendar_is_refused() -> None:
    with pytest.raises(ValidationError, match="outside the calendar"):
        given_report(source_version="0001-01-01T00:00:00+01:00")


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("850101-2382", True),
        ("kund-198501012382-3", True),
        ("19850101-2382", True),
        ("19850101-2383", False),  # no personnummer: the check digit
        ("8501012382", False),  # a number like any other
        ("20261124-0014", False),  # a case of that day
        ("261124-0014", False),
        ("019a8501-0123-7123-8123-198501012382", False),  # chance, in a random one
        ("arende-4711", False),
    ],
)
def test_an_id_says_nothing_about_anybody(code: str, named: bool) -> None:
    def judged(**changes: Any) -> str | None:
        try:
            domain.check(given_report(id=code, **changes), frozenset(), NOON + timedelta(days=1))
        except Refusal as refused:
            return refused.field
        return None

    assert judged() == ("id" if named else None)
    assert judged(withdrawn=True) is None, "taking back is always possible"


def test_a_code_of_an_area_is_no_place_for_a_personnummer_either() -> None:
    with pytest.raises(Refusal, match="personnummer") as refused:
        domain.check(given_report(place={"area_code": "19850101-2382"}), frozenset(), NOON + timedelta(days=1))
    assert (refused.value.field, refused.value.code) == ("place.area_code", "personal_identifier")
