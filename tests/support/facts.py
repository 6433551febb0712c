"""Made-up messages for tests: plain values, nothing from the clock."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from schemas.context import ContextLocated, ContextPlacement, ContextReceived
from schemas.locations import Placement, ReportLocated
from schemas.reports import ReportReceived
from schemas.values import AreaRef
from services.analysis.views.fact import Counted, LocatedReport, counted, read
from services.geo.domain import reading

NOON = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
NAMES = UUID("00000000-0000-4000-8000-000000000000")


def report_id(number: int) -> UUID:
    return uuid5(NAMES, str(number))


def received(number: int = 1, revision: int = 1, **changes: Any) -> ReportReceived:
    values: dict[str, Any] = {
        "kommun": "0682",
        "report_id": report_id(number),
        "revision": revision,
        "submission_id": report_id(number),
        "event_type": "A1",
        "source": "rapportor",
        "time_from": NOON,
        "time_to": NOON,
        "severity": 1,
        "received_at": NOON,
        "minted_at": NOON + timedelta(seconds=revision),
    }
    return ReportReceived.model_validate(values | changes)


def located(
    number: int = 1,
    revision: int = 1,
    placement: int = 1,
    areas: tuple[str, ...] = ("0682R012",),
    cells: dict[str, str] | None = None,
    **changes: Any,
) -> ReportLocated:
    refs = [AreaRef(layer="regso", version="2025_v2", area=a) for a in areas]
    refs.append(AreaRef(layer="kommun", version="2025_v2", area="0682"))
    report = received(number, revision, **changes)
    return ReportLocated(
        kommun=report.kommun,
        report=report,
        placement=Placement(
            placement=placement,
            placed_at=NOON,
            precision="gps",
            located_kommun="0682",
            areas=tuple(refs),
            cells=cells or {},
        ),
    )


def published(number: int = 1, revision: int = 1, kommun: str | None = "0682", **changes: Any) -> ContextLocated:
    values: dict[str, Any] = {
        "kommun": "0000",
        "context_id": report_id(number),
        "revision": revision,
        "publisher": "polisen",
        "publisher_id": str(number),
        "event_type": "Rån",
        "published_at": NOON,
        "minted_at": NOON,
    }
    item = ContextReceived.model_validate(values | changes)
    precision = "kommun" if kommun else "none"
    place = ContextPlacement.model_validate(
        {"placement": 1, "placed_at": NOON, "precision": precision, "located_kommun": kommun}
    )
    return ContextLocated(kommun="0000", context=item, placement=place)


def as_read(fact: ReportLocated) -> LocatedReport:
    """The message as the picture reads it."""
    return read(fact.model_dump_json())


def counting(*facts: ReportLocated) -> list[Counted]:
    """Those of the facts that count, as the views take them."""
    return [c for fact in facts if (c := counted(as_read(fact))) is not None]


def given(number: int = 1, revision: int = 1, **changes: Any) -> reading.Report:
    """The same as geo reads it."""
    return reading.read(received(number, revision, **changes).model_dump_json())
