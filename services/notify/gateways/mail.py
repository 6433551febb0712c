"""Mail: text and HTML in one, threaded per alert, with a way out that mail programs understand."""

from datetime import timedelta
from email.message import EmailMessage
from email.utils import parseaddr

from icalendar import Calendar, Event, vCalAddress

from services.notify.gateways.channel import Delayed, Invitation, Message, Receipt
from services.pages.swedish import SWEDEN
from services.runtime.mail import MailDelayed, SmtpLines

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
            mail = mail_of(message, self._sender, address)
            await self._lines.send(mail, comes_back_to=message.receipt_to)
        except MailDelayed as delayed:
            raise Delayed(str(delayed), unsure=delayed.unsure, receiver=delayed.recipient) from None
        return Receipt(message.ident)


def calendar(invitation: Invitation, sender: str, receiver: str, method: str) -> str:
    """The invitation as iTIP knows it (RFC 5546): every week at the same hour in Sweden; no answer is asked for."""
    begins = invitation.begins.astimezone(SWEDEN)
    event = Event()
    event.add("uid", invitation.uid)
    event.add("sequence", invitation.sequence)
    event.add("dtstamp", invitation.made)
    event.add("dtstart", begins)
    event.add("duration", LASTS)
    event.add("rrule", {"freq": "weekly"})
    event.add("summary", invitation.title)
    event.add("description", invitation.said)
    event.add("url", invitation.link)
    event.add("organizer", vCalAddress(f"mailto:{parseaddr(sender)[1]}"))
    event.add("attendee", vCalAddress(f"mailto:{receiver}"), parameters={"RSVP": "FALSE", "ROLE": "REQ-PARTICIPANT"})
    made = Calendar()
    made.add("prodid", "-//Lagesbild//SV")
    made.add("version", "2.0")
    made.add("method", method)
    made.add_component(event)
    made.add_missing_timezones()
    said: str = made.to_ical().decode()
    return said


def mail_of(message: Message, sender: str, receiver: str) -> EmailMessage:
    """The mail that a message is."""
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, sender, receiver
    mail["Message-ID"] = message.ident
    if message.thread is not None:
        mail["References"] = mail["In-Reply-To"] = message.thread
    mail["Auto-Submitted"] = "auto-generated"
    if message.stop is not None:
        mail["List-Unsubscribe"] = f"<{message.stop}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if message.urgent:
        mail["Importance"] = "high"
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    if message.invitation is not None:
        method = "REQUEST"
        mail.add_alternative(
            calendar(message.invitation, sender, receiver, method).encode(),
            maintype="text",
            subtype="calendar",
            cte="base64",
            params={"method": method, "charset": "utf-8"},
        )
    return mail
