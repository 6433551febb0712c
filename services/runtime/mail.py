"""Handing a mail to the SMTP server. A returned call means that the server has taken responsibility for it."""

from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib

from services.runtime.errors import Permanent


class MailDelayed(Exception):
    """The server could not be reached or asked to come back later: try again."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over. Seconds for the timeout."""

    host: str
    port: int
    starttls: bool = False
    timeout: float = 20.0

    async def send(self, mail: EmailMessage) -> None:
        """Hand over one mail. MailDelayed: try again; Permanent ``mail_refused``: this mail will never be taken."""
        try:
            await aiosmtplib.send(
                mail, hostname=self.host, port=self.port, start_tls=self.starttls, timeout=self.timeout
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            codes = [r.code for r in refused.recipients]
            if all(500 <= code < 600 for code in codes):
                raise Permanent("mail_refused", f"recipient refused with {codes[0]}") from None
            raise MailDelayed(f"recipient deferred with {codes[0]}") from None
        except aiosmtplib.SMTPDataError as answer:
            if 500 <= answer.code < 600:
                raise Permanent("mail_refused", f"content refused with {answer.code}") from None
            raise MailDelayed(f"deferred with {answer.code}") from None
        except (
            aiosmtplib.SMTPResponseException
        ) as answer:  # greeting, STARTTLS, sender: the server's matter, not the mail's
            raise MailDelayed(f"server answered {answer.code}") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailDelayed(type(error).__name__) from None
