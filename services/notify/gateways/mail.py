"""Mail: text and HTML in one, threaded per alert, with a way out that mail programs understand."""

from datetime import timedelta
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate, parseaddr
from functools import lru_cache

from icalendar import Calendar, Event, vCalAddress

from services.notify.gateways.channel import Delayed, Invitation, Message, Receipt
from services.pages.writing import SWEDEN
from services.runtime.errors import Permanent
from services.runtime.mail import Letter, MailDelayed, SmtpLines

METHOD = "REQUEST"
LASTS = timedelta(hours=1)
"""What calendars show of a meeting whose end nobody has said."""


class Mail:
    """The channel."""

    name = "mail"

    def __init__(self, lines: SmtpLines, sender: str) -> None:
        self._lines, self._sender = lines, sender

    async def send(self, message: Message, address: str) -> Receipt:
        """Hand over one mail; its Message-ID is the receipt."""
        try:
            await self._lines.send(letter_of(message, self._sender, address))
        except MailDelayed as delayed:
            raise Delayed(str(delayed), unsure=delayed.unsure, receiver=delayed.recipient) from None
        return Receipt(message.ident)


def calendar(invitation: Invitation, sender: str, receiver: str) -> str:
    """The invitation as iTIP knows it (RFC 5546): at the same hour in Sweden every time; no answer is asked for."""
    begins = invitation.begins.astimezone(SWEDEN)
    event = Event()
    event.add("uid", invitation.uid)
    event.add("sequence", invitation.sequence)
    event.add("dtstamp", invitation.made)
    event.add("dtstart", begins)
    event.add("duration", LASTS)
    event.add("rrule", {"freq": "weekly", "interval": invitation.weeks})
    event.add("summary", invitation.title)
    event.add("description", invitation.said)
    event.add("url", invitation.link)
    event.add("organizer", vCalAddress(f"mailto:{parseaddr(sender)[1]}"))
    event.add("attendee", vCalAddress(f"mailto:{receiver}"), parameters={"RSVP": "FALSE", "ROLE": "REQ-PARTICIPANT"})
    made = Calendar()
    made.add("prodid", "-//Lagesbild//SV")
    made.add("version", "2.0")
    made.add("method", METHOD)
    made.add_component(event)
    made.add_missing_timezones()
    said: str = made.to_ical().decode()
    return said


def letter_of(message: Message, sender: str, receiver: str) -> Letter:
    """The mail that a message is. What is the same for many receivers is made once."""
    fields = [
        ("Subject", _subject(message.subject)),
        ("From", _address(sender)),
        ("To", receiver),
        ("Date", formatdate()),
        ("Message-ID", message.ident),
        ("Auto-Submitted", "auto-generated"),
    ]
    if message.thread is not None:
        fields += [("In-Reply-To", message.thread), ("References", message.thread)]
    if message.stop is not None:
        fields += [("List-Unsubscribe", f"<{message.stop}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]
    if message.urgent:
        fields.append(("Importance", "high"))
    if {"\r", "\n"} & set(receiver):
        raise Permanent("bad_address", "an address has more than one line")
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    invitation = None if message.invitation is None else calendar(message.invitation, sender, receiver)
    body = _body(message.text, message.html, invitation)
    return Letter(message.receipt_to or parseaddr(sender)[1], receiver, head.encode() + body)


@lru_cache(maxsize=256)
def _subject(said: str) -> str:
    """With what is not ASCII encoded, and folded (RFC 2047)."""
    letters = "ascii" if said.isascii() else "utf-8"
    return Header(" ".join(said.split()), letters, header_name="Subject").encode(linesep="\r\n")


@lru_cache(maxsize=8)
def _address(sender: str) -> str:
    return formataddr(parseaddr(sender))


@lru_cache(maxsize=64)
def _body(text: str, html: str, invitation: str | None) -> bytes:
    """The headers of what a mail holds, and that: text, HTML, and a calendar's entry where there is one."""
    mail = EmailMessage(policy=SMTP)
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
    if invitation is not None:
        params = {"method": METHOD, "charset": "utf-8"}
        mail.add_alternative(invitation.encode(), maintype="text", subtype="calendar", cte="base64", params=params)
    return mail.as_bytes()
