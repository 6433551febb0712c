"""From what alerts say to one message to one receiver: subject, text and HTML, SMS, and why they get it.

The HTML is written in MJML and turned into mail's own dialect by mrml, once per message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mrml

from services.notify.domain.alerts import LASTING, Alert
from services.notify.domain.routing import FOLLOWED, INVITED, REPORTED, TESTED
from services.notify.gateways.channel import Message
from services.notify.wording.alerts import Said, invitation_to
from services.notify.wording.sms import short
from services.pages.render import html
from services.pages.texts import spoken, text
from services.pages.writing import whole


@dataclass(frozen=True, slots=True)
class Frame:
    """What belongs to the receiver and the house. ``why``: sentences; ``stop``: one POST to it ends the messages."""

    public_url: str
    ident: str
    why: tuple[str, ...]
    urgent: bool = False
    stop: str | None = None
    receipt_to: str | None = None
    asked: bool = True
    """Whether the receiver is a person who can take the alert."""
    change: str = "/utskick"
    """The page on which they choose what they are told."""


MOST_DATA = 2000
"""Alerts that a message to a machine lists, half a megabyte; it says how many more there are."""
_OWN = {REPORTED: "voice.why_feedback", TESTED: "voice.why_test", INVITED: "voice.why_invited"}
"""Reasons that are no rule of the municipality's."""


def reasons(rules: Sequence[str], labels: dict[str, str], followed: str | None) -> tuple[str, ...]:
    """Why somebody gets this: what they follow, or the rule that names them."""
    found = []
    for rule in dict.fromkeys(rules):
        if rule in _OWN:
            found.append(text(_OWN[rule]))
        elif rule == FOLLOWED:
            found.append(text("mail.why_text", what=followed) if followed else text("voice.why_followed"))
        else:
            found.append(text("voice.why_rule", rule=labels.get(rule, rule)))
    return tuple(found)


def message(told: Sequence[tuple[Alert, Said]], frame: Frame, others: Sequence[Alert] = ()) -> Message:
    """One alert as its own message, several as one.

    ``others`` are not spelled out: people are told how many they are, machines of each.
    """
    return _several(told, frame, others) if len(told) > 1 or others else _one(*told[0], frame)


def _one(alert: Alert, said: Said, frame: Frame) -> Message:
    link = frame.public_url + said.path
    asks = frame.asked and alert.kind in LASTING
    context = {
        "said": [said],
        "subject": said.title,
        "intro": "",
        "link": link,
        "open": text("voice.open_alert" if asks else "voice.open"),
        "hint": text("voice.hint") if asks else "",
    }
    return _made(context, frame, said, short(said.brief, short_link(frame, alert)), {
        "thread": f"<alert-{alert.alert_id}@lagesbild.local>" if alert.kind != "agenda" else None,
        "data": _data(alert), "invitation": invitation_to(alert, link),
    })  # fmt: skip


def _several(told: Sequence[tuple[Alert, Said]], frame: Frame, others: Sequence[Alert]) -> Message:
    more, every = len(others), [*(alert for alert, _ in told), *others]
    count = whole(len(told) + more)
    title = text("voice.several_title", count=count, first=told[0][1].title)
    intro = text("voice.several_intro") + (" " + text("voice.several_more", count=whole(more)) if more else "")
    feedback = all(a.kind == "feedback" for a, _ in told)
    link = frame.public_url + ("/mina-rapporter" if feedback else "/larm")
    context = {
        "said": [s for _, s in told],
        "subject": title,
        "intro": intro,
        "link": link,
        "open": text("voice.open_all"),
        "hint": text("voice.hint") if frame.asked and not feedback else "",
    }
    together = Said(
        text("voice.several_label"), title, intro, tuple((s.label, s.title) for _, s in told), "/larm", title
    )
    brief = text("voice.several_brief", count=count, first=told[0][1].title)
    return _made(context, frame, together, short(brief, link), {
        "thread": None, "data": {"kind": "several", "alerts": [_data(a) for a in every[:MOST_DATA]],
        "more": len(every[MOST_DATA:])},
    })  # fmt: skip


def _made(context: dict[str, Any], frame: Frame, said: Said, sms: str, more: dict[str, Any]) -> Message:
    """The message in all its forms."""
    shown = context | {
        "why": frame.why,
        "change": frame.public_url + frame.change,
        "base": frame.public_url,
        "language": spoken(),
        "invented": any(s.invented for s in context["said"]),
    }
    return Message(
        ident=frame.ident,
        subject=said.title,
        title=said.title,
        intro=said.intro,
        facts=said.facts,
        why=" ".join(frame.why),
        link=context["link"],
        short=sms,
        text=html("notify/message.txt", shown),
        html=_inlined(html("notify/message.mjml", shown)),
        urgent=frame.urgent,
        language=spoken(),
        stop=frame.stop,
        receipt_to=frame.receipt_to,
        **more,
    )


_NOTHING_FROM_ELSEWHERE = mrml.RenderOptions(fonts={})
"""By itself mrml makes a mail fetch fonts that it knows by name from another host."""


@lru_cache(maxsize=64)
def _inlined(source: str) -> str:
    """MJML → HTML; the same message to many receivers is made once."""
    return mrml.to_html(source, None, _NOTHING_FROM_ELSEWHERE).content


def short_link(frame: Frame, alert: Alert) -> str:
    """An address of few letters to an alert; who is not in its municipality finds nothing there."""
    return f"{frame.public_url}/l/{str(alert.alert_id)[:8]}"


def _data(alert: Alert) -> dict[str, Any]:
    """An alert for machines: ids, codes and counts."""
    number: str | None = alert.event.get("number")
    return {
        "kommun": alert.kommun,
        "alert_id": str(alert.alert_id),
        "kind": alert.kind,
        "state": alert.state,
        "subject_id": str(alert.subject_id),
        "event_type": alert.event_type,
        "area": alert.area,
        "severity": alert.severity,
        "notices": alert.notices,
        "number": number,
    }
