"""The text for a police report: what, when and where, for damage alone."""

from datetime import UTC, datetime
from uuid import UUID

from schemas.reports import ReportReceived
from services.ingest.web.police import text_for


def report(**changes: object) -> ReportReceived:
    at = datetime(2026, 11, 28, 6, 30, tzinfo=UTC)
    values: dict[str, object] = {
        "kommun": "0682", "report_id": UUID(int=7), "revision": 1, "submission_id": UUID(int=7), "event_type": "A1",
        "source": "rapportor", "time_from": at, "time_to": at, "severity": 1, "received_at": at, "minted_at": at,
        "confirmed": True, "place": {"text": "Norra torget", "coordinates": {"x": 14.6968, "y": 57.6533}},
    }  # fmt: skip
    return ReportReceived.model_validate(values | changes)


def test_all_that_is_known_is_said_in_order() -> None:
    lines = (text_for(report(count=3), "Klotter", "Centrum") or "").replace("\N{NO-BREAK SPACE}", " ").splitlines()
    assert lines[:4] == [
        "Vad: Klotter, ungefär 3 stycken.",
        "När: 28 nov kl. 07.30.",
        "Var: Norra torget; 57.65330, 14.69680 (WGS84); Centrum.",
        "Jag har sett det själv.",
    ]
    assert lines[4].startswith("Vårt nummer: ")


def test_what_is_not_known_is_left_out() -> None:
    said = text_for(report(place={}, confirmed=False), "Klotter", None) or ""
    assert "Var:" not in said
    assert said.startswith("Vad: Klotter.\n")
    assert "inte sett det själv" in said


def test_only_damage_has_one_and_no_withdrawn_report() -> None:
    assert text_for(report(event_type="B1"), "Ordningsstörning", None) is None
    assert text_for(report(withdrawn=True), "Klotter", None) is None
