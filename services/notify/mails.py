"""What an alert says: plain Swedish, text and HTML, no personal data, the same Message-ID at every attempt."""

from email.message import EmailMessage

from schemas.locations import ReportLocated
from schemas.taxonomy import current
from services.notify.domain import Subscription
from services.pages import swedish
from services.pages.render import html
from services.pages.texts import text


def type_label(code: str) -> str:
    """The type's name; the group's for a local type, whose own name stays with its municipality's door."""
    known = current().type(code)
    return known.label if known is not None else current().group(code).label


def describe(subscription: Subscription, area_name: str | None) -> str:
    """What a subscription follows, in words."""
    groups = [current().group(c).label.lower() if len(c) == 1 else type_label(c).lower() for c in subscription.types]
    return text(
        "deliveries.describe",
        types=", ".join(groups) or text("deliveries.types_all").lower(),
        area=area_name or subscription.area or text("deliveries.whole").lower(),
        severity=subscription.min_severity,
    )


def alert_mail(
    located: ReportLocated,
    area: str | None,
    subscription: Subscription | None,
    *,
    sender: str,
    receiver: str,
    message_id: str,
    public_url: str,
) -> EmailMessage:
    """The mail about one report. ``area`` is the area's name, None where the place is not known."""
    report = located.report
    label = type_label(report.event_type)
    facts = [
        (text("mail.where"), area or text("mail.nowhere")),
        (text("mail.when"), swedish.interval(report.time_from, report.time_to)),
        (text("mail.severity"), text(f"report.severity_{report.severity}")),
        (text("mail.confirmed"), text("mail.yes" if report.confirmed else "mail.no")),
        (text("mail.source"), text(f"source.{report.source}")),
    ]
    subject = text("mail.subject", type=label, area=area) if area else text("mail.subject_nowhere", type=label)
    followed = area if subscription is not None and subscription.area is not None else None
    context = {
        "subject": subject,
        "facts": facts,
        "invented": report.invented,
        "why": text("mail.why_text", what=describe(subscription, followed)) if subscription is not None else "",
        "link": f"{public_url}/oversikt",
        "change": f"{public_url}/utskick",
    }
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, sender, receiver
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-Unsubscribe"] = f"<{public_url}/utskick>"
    mail.set_content(html("notify/alert.txt", context))
    mail.add_alternative(html("notify/alert.html", context), subtype="html")
    return mail
