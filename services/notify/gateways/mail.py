"""Mail: text and HTML in one, threaded per alert, with a way out that mail programs understand."""

from email.message import EmailMessage

from services.notify.gateways.channel import Delayed, Message, Receipt
from services.runtime.mail import MailDelayed, SmtpLines


class Mail:
    """The channel."""

    name = "mail"

    def __init__(self, lines: SmtpLines, sender: str) -> None:
        self._lines, self._sender = lines, sender

    async def send(self, message: Message, address: str) -> Receipt:
        """Hand over one mail; its Message-ID is the receipt."""
        try:
            await self._lines.send(mail_of(message, self._sender, address))
        except MailDelayed as delayed:
            raise Delayed(str(delayed), unsure=delayed.unsure, receiver=delayed.recipient) from None
        return Receipt(message.ident)


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
    return mail
