"""Pure decisions of the door: what a valid report is, what is refused, what the other rooms see of it."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from schemas.reports import ReportReceived
from schemas.taxonomy import ZERO_REPORT, current
from schemas.values import Environment, EventType, PlaceAsGiven, Severity, Source, UtcTime
from services.ingest.guard import findings, names_a_person
from services.pages.texts import text

FUTURE_SLACK = timedelta(hours=24)
"""How far ahead of our clock an event may lie before it is refused: phones have wrong clocks and time zones."""
LONGEST_TEXT = 1000
LONGEST_SYSTEM_TEXT = 280

MEDIA = frozenset(
    "photo photos image images picture pictures media media_url attachment attachments file files audio video"
    " bild bilder foto foton bilaga bilagor".split()
)
"""Names under which systems send media (domain §6.2)."""


FIRST_YEAR, LAST_YEAR = 1900, 2200


def _within(moment: datetime) -> datetime:
    """Systems write 0001 for unset and 9999 for no end: days that nobody can count with."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"the year must be {FIRST_YEAR}–{LAST_YEAR}; for what has no end yet, say ongoing")
    return moment


Moment = Annotated[UtcTime, AfterValidator(_within)]


class ReportIn(BaseModel):
    """One report as a sender hands it in. Unknown fields are refused.

    ``id`` is the sender's own id of the report, stable over corrections; ``source_version`` orders them: a whole
    number or a UTC time. ``time_to`` defaults to ``time_from``; a wider interval says when it may have happened.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    source_version: Annotated[int, Field(ge=0, lt=2**53)] | UtcTime = 0
    submission_id: UUID | None = None
    event_type: EventType
    time_from: Moment
    time_to: Moment | None = None
    place: PlaceAsGiven = PlaceAsGiven()
    environment: Environment = "unknown"
    confirmed: bool = False
    count: Annotated[int, Field(ge=1, le=10_000)] = 1
    severity: Severity | None = None
    ongoing: bool = False
    recurring: bool = False
    text: Annotated[str, StringConstraints(max_length=LONGEST_TEXT)] | None = None
    withdrawn: bool = False

    @model_validator(mode="before")
    @classmethod
    def _no_media(cls, value: Any) -> Any:
        """Photos come from people's phones, by their form; what a system sends of the kind has a code of its own."""
        if isinstance(value, dict) and any(isinstance(name, str) and name.lower() in MEDIA for name in value):
            raise PydanticCustomError("media_not_allowed", "photos, sound, video and attachments are not taken in here")
        return value

    @model_validator(mode="before")
    @classmethod
    def _no_null_characters(cls, value: Any) -> Any:
        """PostgreSQL keeps none, and no text has one; so it would be a failure of ours for ever."""
        if "\\x00" in repr(value) and _holds_null(value):  # seldom looked for in earnest
            raise ValueError("a text holds a null character (U+0000)")
        return value

    @field_validator("place", mode="before")
    @classmethod
    def _strict_place(cls, value: Any) -> Any:
        """The event contract ignores unknown fields; a sender's typing error must not be."""
        if isinstance(value, dict):
            unknown = set(value) - set(PlaceAsGiven.model_fields)
            inner = value.get("coordinates")
            if isinstance(inner, dict):
                unknown |= set(inner) - {"x", "y", "crs", "accuracy_m"}
            if unknown:
                raise ValueError(f"unknown field in place: {', '.join(sorted(map(str, unknown)))}")
        return value

    @field_validator("text")
    @classmethod
    def _empty_is_none(cls, value: str | None) -> str | None:
        return value or None

    @model_validator(mode="after")
    def _coherent(self) -> "ReportIn":
        if self.time_to is not None and self.time_to < self.time_from:
            raise ValueError("time_to is before time_from")
        return self


def _holds_null(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_null(v) for v in value.values())
    return isinstance(value, list) and any(_holds_null(v) for v in value)


class Refusal(Exception):
    """A report that cannot be accepted: the field, a stable code, a sentence in Swedish."""

    def __init__(self, field: str, code: str, sentence: str, *more: "Refusal") -> None:
        super().__init__(sentence)
        self.field, self.code, self.sentence = field, code, sentence
        self.more = more
        """What else is wrong with the same report."""


def check(
    report: ReportIn,
    local_types: frozenset[str],
    now: datetime,
    *,
    person: bool = False,
    free_text: str = "everybody",
) -> None:
    """Raise Refusal when the report is well formed but cannot be accepted.

    From a ``person``, whom the phone has warned, only what is certain is refused in texts; from a system the rest too.
    """
    if current().type(report.event_type) is None and report.event_type not in local_types:
        raise Refusal("event_type", "unknown_type", "Händelsetypen finns inte.")
    if current().group(report.event_type).kind != "calendar" and report.time_from > now + FUTURE_SLACK:
        raise Refusal("time_from", "future_time", "Tiden ligger i framtiden.")
    place = report.place
    somewhere = place.coordinates or place.text or place.area_code
    if not somewhere and report.event_type != ZERO_REPORT and not report.withdrawn:
        raise Refusal("place", "missing_place", "Ange en plats: position, adress eller område.")
    if report.text is not None and not report.withdrawn:
        _may_write(report.text, free_text, person=person)
    texts = () if report.withdrawn else (("text", report.text), ("place.text", place.text))
    refused = [r for field, written in texts if written for r in _guarded(field, written, person)]
    codes = () if report.withdrawn else (("id", report.id), ("place.area_code", place.area_code))
    refused += [
        Refusal(field, "personal_identifier", text("report.id_names"))
        for field, code in codes
        if code and not _is_random(code) and names_a_person(code, now.date())
    ]
    if refused:
        first, *rest = refused
        raise Refusal(first.field, first.code, first.sentence, *rest)


def _is_random(code: str) -> bool:
    try:
        return bool(UUID(code))
    except ValueError:
        return False


def _may_write(written: str, free_text: str, *, person: bool) -> None:
    """Refusal where the municipality takes no free text from such a sender, or a system's is too long (domain §6.2)."""
    if free_text == "nobody" or (free_text == "people" and not person):
        raise Refusal("text", "free_text", text("report.no_free_text"))
    if not person and len(written) > LONGEST_SYSTEM_TEXT:
        raise Refusal("text", "free_text", text("report.text_too_long", most=LONGEST_SYSTEM_TEXT))


def passing(written: str | None) -> str | None:
    """A text that was taken in once, if the guard would take it in today: else what goes on with it could not."""
    return None if written is not None and any(f.sure for f in findings(written)) else written


def without_texts(report: ReportIn) -> ReportIn:
    """A withdrawal as it is kept: it must always be possible, so it is not guarded and brings no new text."""
    place = report.place
    if place.text is not None and next(findings(place.text), None) is not None:
        place = place.model_copy(update={"text": None})
    return report.model_copy(update={"text": None, "place": place})


def _guarded(field: str, written: str, person: bool) -> list[Refusal]:
    """What the guard has against a text, once for each thing; never the text itself."""
    found = {(f.code, f.rule): f for f in findings(written) if f.sure or not person}
    return [
        Refusal(field, code, text("guard.contains", what=text(f"guard.{code}_{rule}"))) for code, rule in sorted(found)
    ]


FreeText = Literal["nobody", "people", "everybody"]


class Sender(BaseModel):
    """What the door knows about who hands in: the registered client, its organisation and token."""

    model_config = ConfigDict(frozen=True)

    kommun: str
    client_id: UUID
    source: Source
    organisation: UUID | None = None
    reporter_token: str | None = None
    person: bool = False
    free_text: FreeText = "people"
    """From whom the municipality takes in free text."""
    sandbox: bool = False
    """Everything is judged and nothing is stored."""
    invented: bool = False


def to_event(
    report: ReportIn,
    sender: Sender,
    *,
    report_id: UUID,
    revision: int,
    severity: int,
    merged_into: UUID | None,
    received_at: datetime,
    now: datetime,
    has_photo: bool = False,
) -> ReportReceived:
    """The report as the other rooms see it: no text, no person."""
    return ReportReceived(
        kommun=sender.kommun,
        report_id=report_id,
        revision=revision,
        submission_id=report.submission_id or report_id,
        event_type=report.event_type,
        source=sender.source,
        organisation=sender.organisation,
        reporter_token=sender.reporter_token,
        time_from=report.time_from,
        time_to=report.time_to or report.time_from,
        place=report.place,
        environment=report.environment,
        confirmed=report.confirmed,
        count=report.count,
        severity=report.severity or severity,
        ongoing=report.ongoing,
        recurring=report.recurring,
        has_text=report.text is not None,
        has_photo=has_photo,
        merged_into=merged_into,
        withdrawn=report.withdrawn,
        invented=sender.invented,
        received_at=received_at,
        minted_at=now,
    )


def stored_content(event: ReportReceived) -> ReportIn:
    """What the sender said, as far as the event tells: everything but the text and the sender's own id and version."""
    shared = ReportIn.model_fields.keys() & ReportReceived.model_fields.keys()
    return ReportIn.model_validate(event.model_dump(include=set(shared)))


NUMBER_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_PAIRS = [low + high for high in NUMBER_ALPHABET for low in NUMBER_ALPHABET]
"""Two signs at a time, the lower one first."""


def short_number(report_id: UUID) -> str:
    """A number that a person can read out, ``4F7K-20``: six of 31 signs; for talking, not for looking up."""
    rest, low = divmod(report_id.int % len(_PAIRS) ** 3, len(_PAIRS))
    high, middle = divmod(rest, len(_PAIRS))
    return f"{_PAIRS[low]}{_PAIRS[middle]}-{_PAIRS[high]}"
