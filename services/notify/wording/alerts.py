"""What an alert says: a report, several alike, a case, a source that fell silent, a lägesbild, an agenda."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas.locations import ReportLocated
from schemas.situation import SituationChanged
from services.notify.domain.alerts import Alert
from services.notify.domain.plan import Interest
from services.notify.domain.routing import Subscription
from services.notify.gateways.channel import Invitation
from services.pages import writing
from services.pages.labels import inside, type_label, upper_first
from services.pages.texts import spoken, text

SURE = 0.05
"""The share of false findings below which the pages say *säkerställd* (statistics reference §2)."""


@dataclass(frozen=True, slots=True)
class Said:
    """One alert in words. ``path``: where it is shown; ``brief``: the same in a few words, for an SMS."""

    label: str
    title: str
    intro: str
    facts: tuple[tuple[str, str], ...]
    path: str
    brief: str
    invented: bool = False
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What must be asked for before an alert can be put into words: the area's name, the case as analysis has it."""

    area: str | None = None
    case: Mapping[str, Any] | None = None
    organisation: str | None = None
    code: str | None = None
    interest: Interest | None = None
    """What of an agenda concerns the receiver's ``organisation``; None: all of it."""


def describe(subscription: Subscription, area_name: str | None, own_types: Mapping[str, str] | None = None) -> str:
    """What a subscription follows, in words; ``own_types``: names of the municipality's own event types."""
    types = [inside((own_types or {}).get(c) or type_label(c)) for c in subscription.types]
    return text(
        "deliveries.describe",
        types=", ".join(types) or text("deliveries.types_all").lower(),
        area=area_name or subscription.area or text("deliveries.whole").lower(),
        severity=subscription.min_severity,
    )


def said(alert: Alert, known: Known) -> Said:
    """The alert as it stands now."""
    own = _OWN.get(alert.kind)
    if own is not None:
        return own(alert, known)
    changed = SituationChanged.model_validate(alert.event)
    if alert.kind == "case":
        return _case(alert, changed, known)
    return _silent(alert, changed, known) if alert.kind == "silent_source" else _picture(changed)


def _test(_alert: Alert, _known: Known) -> Said:
    title, intro = text("voice.test_title"), text("voice.test_intro")
    return Said(text("voice.test"), title, intro, (), "/utskick/kanaler", title)


def _code(_alert: Alert, known: Known) -> Said:
    """The title stands in the ledger, so the code is in what is sent alone."""
    intro = text("voice.code_intro", code=known.code or "")
    return Said(text("voice.kind_code"), text("voice.code_title"), intro, (), "/utskick", intro)


def path_of(alert: Alert) -> str:
    """Where an alert is shown."""
    return f"/larm/{alert.alert_id}"


def _reports(alert: Alert, known: Known) -> Said:
    located = ReportLocated.model_validate(alert.event)
    report, many = located.report, alert.notices > 1
    label = type_label(report.event_type)
    when = writing.interval(report.time_from, report.time_to)
    facts = [
        (text("mail.where"), known.area or text("mail.nowhere")),
        (text("mail.when"), when),
        (text("mail.severity"), text(f"report.severity_{report.severity}")),
        (text("mail.confirmed"), text("mail.yes" if report.confirmed else "mail.no")),
        (text("mail.source"), text(f"source.{report.source}")),
    ]
    intro = text("mail.intro")
    if many:
        since = writing.moment(alert.opened_at)
        intro = text("voice.reports_intro", count=writing.whole(alert.notices), since=since)
    if many:
        key = "voice.reports_subject" if known.area else "voice.reports_subject_nowhere"
    else:
        key = "mail.subject" if known.area else "mail.subject_nowhere"
    title = text(key, type=label, area=known.area or "", count=writing.whole(alert.notices), kind=inside(label))
    sure = text("voice.confirmed") if report.confirmed else text("voice.unconfirmed")
    brief = text("voice.report_brief", what=title, when=when, sure=sure)
    return Said(text("mail.kind"), title, intro, tuple(facts), path_of(alert), brief, report.invented)


def _case(alert: Alert, changed: SituationChanged, known: Known) -> Said:
    kind = inside(type_label(_kind(changed, known)))
    place = known.area or text("picture.whole")
    title = text(f"voice.case_{changed.state}", kind=kind, place=place)
    numbers = {
        "observed": writing.whole(changed.observed or 0),
        "expected": writing.decimal(changed.expected or 0.0),
        "span": text(f"voice.span_{_weeks(known)}"),
    }
    facts = [(text("mail.where"), place), (text("voice.seen"), text("voice.seen_text", **numbers))]
    facts.append((text("voice.expected"), numbers["expected"]))
    if changed.since is not None:
        facts.append((text("voice.since"), writing.day_with_year(changed.since.astimezone(writing.SWEDEN).date())))
    facts += _doubts(known)
    if changed.number is not None:
        facts.append((text("voice.number"), changed.number))
    key = "closed" if changed.state == "closed" else "open"
    intro = text(f"voice.case_intro_{key}", **numbers)
    sure = key == "open" and _sure(known)
    brief = text(f"voice.case_brief_{'sure' if sure else key}", title=title, **numbers)
    label = text("voice.case_label_sure" if sure else "voice.case_label")
    return Said(label, title, intro, tuple(facts), path_of(alert), brief)


def _sure(known: Known) -> bool:
    """Whether the pages would say *säkerställd* of it: a case opens at a higher share of false ones than that word."""
    share = None if known.case is None else known.case["document"]["evidence"][0].get("q")
    return share is not None and share < SURE


def _kind(changed: SituationChanged, known: Known) -> str:
    """The type of the case; the event names single types only, the document groups as well."""
    if changed.event_type is not None or known.case is None:
        return changed.event_type or changed.event_group or ""
    return str(known.case["document"]["evidence"][0]["kind"])


def _weeks(known: Known) -> int:
    """How many weeks the numbers are of: 1 or 4; 0 when analysis cannot be asked now, or it is a gathering."""
    lead = {} if known.case is None else known.case["document"]["evidence"][0]
    return lead["weeks"] if lead.get("weeks") in {1, 4} else 0


def _doubts(known: Known) -> list[tuple[str, str]]:
    """What may be wrong with the numbers: how many report, and what is still to come in."""
    if known.case is None:
        return []
    document = known.case["document"]
    doubts = []
    adjusted = document["evidence"][0].get("adjusted")
    if adjusted is not None and adjusted.get("expected") is not None:
        doubts.append(text("voice.per_reporter", expected=writing.decimal(adjusted["expected"])))
    share = document["data"].get("preliminary") or 0.0
    if share >= 0.05:
        doubts.append(text("signals.preliminary", share=writing.whole(round(100 * share))))
    return [(text("voice.doubt"), " ".join(doubts))] if doubts else []


def _silent(alert: Alert, changed: SituationChanged, known: Known) -> Said:
    who = known.organisation or text("voice.some_source")
    since = "" if changed.since is None else writing.short_day(changed.since.astimezone(writing.SWEDEN).date())
    back = changed.state == "closed"
    title = text("voice.silent_back" if back else "voice.silent_title", who=who)
    key = "back_intro" if back else "intro" if since else "never"
    intro = text(f"voice.silent_{key}", who=who, since=since)
    facts = ((text("voice.since"), since),) if since else ()
    return Said(text("voice.silent_label"), title, intro, facts, path_of(alert), intro)


def _picture(changed: SituationChanged) -> Said:
    number = changed.number or ""
    key = "adopted" if changed.state == "adopted" else "drafted"
    title = text(f"voice.picture_{key}", number=number)
    intro = text(f"voice.picture_{key}_intro", number=number)
    return Said(text("voice.picture_label"), title, intro, (), f"/lagesbilder/{number}", title)


def _placed(alert: Alert, known: Known) -> Said:
    if alert.event_type is None:  # it has been said once, and did not arrive: what it was is not kept beside who
        title = text("voice.feedback_placed_again")
        return Said(
            text("voice.feedback_label"), title, text("voice.feedback_placed_intro"), (), "/mina-rapporter", title
        )
    kind = inside(type_label(alert.event_type))
    title = text("voice.feedback_placed", kind=kind)
    if known.area is not None:
        title = text("voice.feedback_placed_in", kind=kind, area=known.area)
    intro = text("voice.feedback_unplaced_intro") if known.area is None else text("voice.feedback_placed_intro")
    return Said(text("voice.feedback_label"), title, intro, (), "/mina-rapporter", title)


def _feedback(alert: Alert, known: Known) -> Said:
    if "placed" in alert.event:
        return _placed(alert, known)
    kinds: dict[str, int] = alert.event.get("kinds", {})  # forgotten when it has been said
    count, number = sum(kinds.values()) or alert.event.get("count", 0), alert.event["number"]
    title = text("voice.feedback_title", number=number)
    intro = text("voice.feedback_one") if count == 1 else text("voice.feedback_many", count=writing.whole(count))
    facts = tuple((type_label(kind), writing.whole(n)) for kind, n in sorted(kinds.items()))
    return Said(text("voice.feedback_label"), title, intro, facts, "/mina-rapporter", f"{title}. {intro}")


def invitation_to(alert: Alert, link: str) -> Invitation | None:
    """What calendars are to hold of an alert; None for one that is no invitation."""
    event = alert.event
    if "invitation" not in event:
        return None
    return Invitation(
        uid=f"mote-{alert.kommun}@lagesbild.local",
        sequence=event["invitation"] // 60,  # it grows, and fits into what calendars take
        made=datetime.fromtimestamp(event["invitation"], UTC),
        begins=datetime.fromisoformat(event["begins"]),
        weeks=event.get("weeks", 1),
        title=text("voice.meeting"),
        said=text("voice.meeting_said"),
        link=link,
    )


def _invited(event: Mapping[str, Any]) -> Said:
    begins = datetime.fromisoformat(event["begins"]).astimezone(writing.SWEDEN)
    day = text(f"voice.every_{event.get('weeks', 1)}", day=text(f"voice.weekday_{begins.weekday()}"))
    title = text("voice.invited_title", day=day, at=writing.time(begins))
    intro = text("voice.invited_intro", first=writing.moment(begins))
    return Said(text("voice.invited"), title, intro, (), "/lagesbilder", title)


def _concerning(section: Mapping[str, Any], interest: Interest | None) -> tuple[str, ...]:
    lines, about = section["lines"], section.get("about") or []
    if interest is None or len(about) != len(lines):
        return tuple(lines)
    return tuple(line for line, a in zip(lines, about, strict=True) if interest.concerns(a["type"], a["area"]))


def _agenda(alert: Alert, known: Known) -> Said:
    event = dict(alert.event)
    if "invitation" in event:
        return _invited(event)
    event |= (event.get("also") or {}).get(spoken(), {})
    at = writing.moment(datetime.fromisoformat(event["meeting"]))
    title = text("voice.agenda_title", at=at)
    told = [(s["title"], _concerning(s, known.interest)) for s in event["sections"]]
    sections = tuple((heading, lines) for heading, lines in told if lines)
    intro = text("mail.nothing_new")
    if sections:
        intro = text("voice.agenda_again" if event.get("again") else "voice.agenda_intro")
    if known.interest is not None:
        some = "voice.extract_again" if event.get("again") else "voice.extract_intro"
        intro = text(some if sections else "voice.extract_none", who=known.organisation or "")
        title = text("voice.extract_title", who=known.organisation or "", at=at)
    facts = ((text("voice.picture_label"), upper_first(event["picture"])),) if event.get("picture") else ()
    path = event.get("path") or "/lagesbilder"
    return Said(text("voice.agenda_label"), title, intro, facts, path, title, sections=sections)


_OWN: Mapping[str, Callable[[Alert, Known], Said]] = {
    "report": _reports,
    "agenda": _agenda,
    "feedback": _feedback,
    "test": _test,
    "code": _code,
}
"""Kinds whose event is not a situation's."""
