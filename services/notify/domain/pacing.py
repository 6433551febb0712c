"""When somebody is told: quiet hours, the distance between two messages of one alert, digests, the cap per hour.

Hours on the wall are Swedish; distances are of real time, so that a change of the clock neither repeats nor swallows.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from services.notify.domain.notices import Kind
from services.notify.domain.plan import Meeting, Plan, Quiet
from services.notify.domain.preferences import Preferences
from services.notify.domain.routing import Told
from services.pages.writing import SWEDEN

DIGEST = time(7)
HOUR = timedelta(hours=1)


def _at(day: date, at: time) -> datetime:
    return datetime.combine(day, at, SWEDEN).astimezone(UTC)


def awake(now: datetime, quiet: Quiet) -> datetime:
    """``now`` outside the quiet hours, otherwise when they end."""
    local = now.astimezone(SWEDEN)
    begins, ends, clock = quiet.begins, quiet.ends, local.time()
    if begins == ends:
        return now
    over_midnight = begins > ends
    inside = (clock >= begins or clock < ends) if over_midnight else begins <= clock < ends
    if not inside:
        return now
    tomorrow = over_midnight and clock >= begins
    return max(now, _at(local.date() + timedelta(days=int(tomorrow)), ends))


def next_daily(now: datetime) -> datetime:
    """The next daily digest: at seven."""
    local = now.astimezone(SWEDEN)
    today = _at(local.date(), DIGEST)
    return today if today > now else _at(local.date() + timedelta(days=1), DIGEST)


def agenda_at(meeting: Meeting, day: date) -> datetime | None:
    """When the agenda of the meeting on this day goes out; None when nobody meets then."""
    if not meeting.is_on(day):
        return None
    return _at(day, meeting.at) - meeting.hours_before * HOUR


def next_weekly(now: datetime, meeting: Meeting) -> datetime:
    """The next agenda."""
    day = max(now.astimezone(SWEDEN).date(), meeting.begins)
    for ahead in range(7 * meeting.weeks + 14):  # hours_before may reach back over several days
        moment = agenda_at(meeting, day + timedelta(days=ahead))
        if moment is not None and moment > now:
            return moment
    raise AssertionError("they meet again")


def before_meeting(now: datetime, meeting: Meeting) -> datetime:
    """When the next meeting begins: until then a silence "till mötet" lasts."""
    day = max(now.astimezone(SWEDEN).date(), meeting.begins)
    for ahead in range(7 * meeting.weeks + 7):
        if meeting.is_on(day + timedelta(days=ahead)):
            moment = _at(day + timedelta(days=ahead), meeting.at)
            if moment > now:
                return moment
    raise AssertionError("they meet again")


def spaced(now: datetime, told_at: datetime | None, interval_minutes: int) -> datetime:
    """At the earliest ``interval_minutes`` after the receiver last heard of the alert."""
    if told_at is None:
        return now
    return max(now, told_at.astimezone(UTC) + timedelta(minutes=interval_minutes))  # in UTC: an hour is an hour


def when(
    now: datetime,
    plan: Plan,
    told: Told,
    kind: Kind,
    own: Preferences | None,
    *,
    opened_at: datetime | None = None,
    heard_at: datetime | None = None,
    silenced: Sequence[datetime] = (),
) -> datetime:
    """When somebody hears of this: by the rule, the distance, their hours, and until when they silenced it.

    ``opened_at``: when the alert began to gather, now when None.
    """
    policy = told.policy
    if policy.how == "daily":
        return next_daily(now)
    if policy.how == "weekly":
        return next_weekly(now, plan.meeting)
    at = spaced(now, heard_at, policy.interval_minutes)
    if heard_at is None and not policy.urgent and kind != "agenda":  # neither waits for more of its kind
        at = max(at, (opened_at or now).astimezone(UTC) + timedelta(minutes=policy.wait_minutes))
    if policy.urgent or kind == "agenda":  # the agenda's own moment is the municipality's choice
        return at
    at = max([at, *silenced])
    if told.receiver.kind == "destination":
        return at
    return awake(at, (own.quiet if own is not None else None) or plan.quiet)


def allowed(now: datetime, sent: Sequence[datetime], per_hour: int) -> datetime:
    """``now``, or when the oldest of the last hour's ``per_hour`` messages is an hour old."""
    recent = sorted(s for s in sent if s > now - HOUR)
    return now if len(recent) < per_hour else recent[-per_hour] + HOUR
