"""The mailbox in which mail that was not delivered lands, read by IMAP (RFC 3501); the standard library's client.

It blocks, so it runs in a thread.
"""

import imaplib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

TIMEOUT_SECONDS = 20.0
MOST_AT_ONCE = 200
MOST_BYTES = 1_000_000
"""Of one mail; what is larger is no delivery report."""

Fate = Literal["done", "strange", "later"]
"""Of a mail: it is understood and goes; it is none of ours and stays, read; it is left unread for the next time."""
_FLAGS: dict[Fate, str | None] = {"done": "\\Deleted", "strange": "\\Seen", "later": None}


class MailboxAway(Exception):
    """The mailbox could not be read now."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where it is. ``tls`` from the first byte."""

    host: str
    port: int
    user: str
    password: str
    folder: str
    tls: bool

    @classmethod
    def of(cls, address: str) -> Self:
        """From ``imaps://user:password@host[:port]/folder``; ValueError. ``imap://`` is for a server on the inside."""
        parts = urlsplit(address)
        if parts.scheme not in {"imap", "imaps"} or not parts.hostname or not parts.username:
            raise ValueError("the mailbox is written as imaps://user:password@host/folder")
        tls = parts.scheme == "imaps"
        return cls(
            parts.hostname,
            parts.port or (993 if tls else 143),
            unquote(parts.username),
            unquote(parts.password or ""),
            unquote(parts.path.strip("/")) or "INBOX",
            tls,
        )

    def read(self, take: Callable[[bytes], Fate]) -> int:
        """Give every unread mail to ``take``, which has remembered it before it says what becomes of it.

        Returns how many there were. MailboxAway. A crash in between gives the same mails again.
        """
        try:
            client = (imaplib.IMAP4_SSL if self.tls else imaplib.IMAP4)(self.host, self.port, timeout=TIMEOUT_SECONDS)
            try:
                client.login(self.user, self.password)
                return self._read(client, take)
            finally:
                for last in (client.logout, client.shutdown):  # logging out fails on a broken line, and leaves it open
                    with suppress(imaplib.IMAP4.error, OSError):
                        last()
        except (imaplib.IMAP4.error, OSError, UnicodeError) as error:  # it takes ASCII only
            raise MailboxAway(type(error).__name__) from None

    def _read(self, client: imaplib.IMAP4, take: Callable[[bytes], Fate]) -> int:
        _, _ = client.select(f'"{self.folder}"')
        _, (found, *_) = client.uid("search", "UNSEEN")
        numbers = (found or b"").split()[:MOST_AT_ONCE]
        for number in numbers:
            uid = number.decode()
            _, parts = client.uid("fetch", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
            raw = next((bytes(p[1]) for p in parts if isinstance(p, tuple)), b"")
            flag = _FLAGS[take(raw)]
            if flag is not None:
                client.uid("store", uid, "+FLAGS", f"({flag})")
        client.expunge()
        return len(numbers)
