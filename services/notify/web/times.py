"""Quiet hours, the meeting, the cap and holding back: the form on the page of the rules."""

from datetime import UTC, date, datetime

from starlette.datastructures import FormData

from services.notify.domain.pacing import before_meeting
from services.notify.domain.plan import Meeting, Plan
from services.notify.web.rule_forms import Faulty, whole
from services.pages.texts import text
from services.pages.writing import SWEDEN, full_day

_FIELDS = ("begins", "ends", "meets_on", "meets", "weeks", "before", "cap", "hold")
_BEFORE = {0: "none", 1: "one"}


def _next(meeting: Meeting) -> date:
    return before_meeting(datetime.now(UTC), meeting).astimezone(SWEDEN).date()


def meets(meeting: Meeting) -> str:
    """When they meet, as a sentence."""
    return text(
        "rules_page.meeting_is",
        day=text(f"voice.every_{meeting.weeks}", day=text(f"voice.weekday_{meeting.weekday}")),
        at=meeting.at.strftime("%H.%M"),
        next=full_day(_next(meeting)),
        before=text(f"rules_page.before_{_BEFORE.get(meeting.hours_before, 'many')}", count=str(meeting.hours_before)),
    )


def filled(plan: Plan, form: FormData | None) -> dict[str, str]:
    """The form's fields: as they were sent, or as they are."""
    if form is not None and "begins" in form:
        return {name: str(form.get(name, "")) for name in _FIELDS}
    values = _next(plan.meeting).isoformat(), f"{plan.meeting.at:%H:%M}", str(plan.meeting.weeks)
    hours = f"{plan.quiet.begins:%H:%M}", f"{plan.quiet.ends:%H:%M}"
    rest = str(plan.meeting.hours_before), str(plan.messages_per_hour or ""), "ja" if plan.holds else ""
    return dict(zip(_FIELDS, (*hours, *values, *rest), strict=True))


def with_times(plan: Plan, form: FormData) -> Plan:
    """The plan with the form's quiet hours, meeting, cap and holding back; Faulty or ValidationError."""
    try:
        day = date.fromisoformat(str(form.get("meets_on")))
    except ValueError:
        raise Faulty(text("rules_page.times_wrong")) from None
    if day < datetime.now(SWEDEN).date():
        raise Faulty(text("rules_page.passed_day"))
    meeting = {"at": form.get("meets"), "hours_before": form.get("before"), "weeks": form.get("weeks")}
    values = {
        "quiet": {"begins": form.get("begins"), "ends": form.get("ends")},
        "meeting": meeting | {"weekday": day.weekday(), "counted_from": day},
        "messages_per_hour": whole(form, "cap"),
        "holds": (plan.model_dump()["holds"] or [{"by": "case", "kind": "report"}]) if form.get("hold") == "ja" else [],
    }
    return Plan.model_validate(plan.model_dump() | values)
