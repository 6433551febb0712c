"""Handing a mail to the SMTP server. A returned call means that the server has taken responsibility for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8

import aiosmtplib

from services.runtime.errors import Permanent

ADDRESS = r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
"""Mail addresses that people and departments are reached by: plain ASCII, since lookalikes may be another's mailbox."""
IDLE_SECONDS = 8.0
"""How long a connection is kept that nobody uses: servers close idle ones, and a closed one costs a repeat."""
MOST_LINES = 8


class MailDelayed(Exception):
    """The server could not be reached or asked to come back later: try again.

    ``unsure``: the connection broke when it may already have taken the mail. ``recipient``: the server is well, the
    mailbox is not.
    """

    def __init__(self, reason: str, *, unsure: bool = False, recipient: bool = False) -> None:
        super().__init__(reason)
        self.unsure, self.recipient = unsure, recipient


@dataclass(frozen=True, slots=True)
class Letter:
    """A whole mail as it is sent (RFC 5322), with its envelope; ``sender`` is where it comes back to."""

    sender: str
    receiver: str
    content: bytes


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over. Seconds for the timeout."""

    host: str
    port: int
    starttls: bool = False
    timeout: float = 20.0

    async def send(self, mail: EmailMessage) -> None:
        """Hand over one mail. MailDelayed: try again; Permanent ``mail_refused``: this mail will never be taken."""
        client = await self.connect()
        try:
            await hand_over(client, mail)
        finally:
            client.close()

    async def connect(self) -> aiosmtplib.SMTP:
        """A connection of its own; MailDelayed."""
        client = aiosmtplib.SMTP(hostname=self.host, port=self.port, start_tls=self.starttls, timeout=self.timeout)
        try:
            await client.connect()
        except aiosmtplib.SMTPResponseException as answer:
            client.close()
            raise MailDelayed(f"server answered {answer.code}") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            client.close()
            raise MailDelayed(type(error).__name__) from None
        return client


async def hand_over(client: aiosmtplib.SMTP, mail: EmailMessage | Letter) -> None:
    """One mail over an open connection; as ``SmtpServer.send``."""
    try:
        if isinstance(mail, EmailMessage):
            await client.send_message(mail)
        elif mail.receiver.isascii():
            await client.sendmail(mail.sender, [mail.receiver], mail.content)
        else:  # an address with letters of its own needs more of the server (RFC 6531)
            whole = message_from_bytes(mail.content, policy=SMTPUTF8)
            await client.send_message(whole, sender=mail.sender, recipients=[mail.receiver])
    except aiosmtplib.SMTPRecipientsRefused as refused:
        codes = [r.code for r in refused.recipients]
        if all(500 <= code < 600 for code in codes):
            raise Permanent("mail_refused", f"recipient refused with {codes[0]}") from None
        raise MailDelayed(f"recipient deferred with {codes[0]}", recipient=True) from None
    except aiosmtplib.SMTPDataError as answer:
        if 500 <= answer.code < 600:
            raise Permanent("mail_refused", f"content refused with {answer.code}") from None
        raise MailDelayed(f"deferred with {answer.code}") from None
    except aiosmtplib.SMTPResponseException as answer:  # the sender: the server's matter, not the mail's
        raise MailDelayed(f"server answered {answer.code}") from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise MailDelayed(type(error).__name__, unsure=True) from None


@dataclass(slots=True)
class SmtpLines:
    """A few connections that are kept between mails: opening one costs more than a mail does."""

    server: SmtpServer
    most: int = MOST_LINES
    _free: list[tuple[aiosmtplib.SMTP, float]] = field(default_factory=list)
    _room: asyncio.Semaphore | None = None

    async def send(self, letter: Letter) -> None:
        """Hand over one mail; as ``SmtpServer.send``."""
        async with self._line() as client:
            await hand_over(client, letter)

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[aiosmtplib.SMTP]:
        if self._room is None:
            self._room = asyncio.Semaphore(self.most)
        async with self._room:
            client = await self._open()
            good = False
            try:
                yield client
                good = True
            except Permanent:
                good = True  # the mail was refused, the connection is well
                raise
            finally:
                if good and client.is_connected:
                    self._free.append((client, time.monotonic()))
                else:
                    client.close()

    async def _open(self) -> aiosmtplib.SMTP:
        while self._free:
            client, used = self._free.pop()
            if client.is_connected and time.monotonic() - used < IDLE_SECONDS:
                return client
            client.close()
        return await self.server.connect()
