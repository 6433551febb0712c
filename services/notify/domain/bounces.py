"""Mail that came back: which message it was, and whether it is lost for good (RFC 3464).

The envelope's sender names the message by an id of chance that only the receiver's own mail servers have seen, so
nobody else can say of a message that it was lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import getaddresses
from uuid import UUID

_TO = ("to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_NAMED = re.compile(r"\+(\d{4})\.([0-9a-f]{32})@", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bounce:
    """One mail that came back. ``lost``: for good; otherwise the other side still tries, or it arrived late."""

    kommun: str
    delivery_id: UUID
    lost: bool
    status: str


def comes_back_to(address: str, kommun: str, delivery_id: UUID) -> str | None:
    """The envelope's sender of one message; None where no address is set."""
    local, at, domain = address.rpartition("@")
    return f"{local}+{kommun}.{delivery_id.hex}@{domain}" if at and local else None


def bounce_of(raw: bytes) -> Bounce | None:
    """What a mail says about one of ours; None for what is no delivery report, or about none of ours."""
    mail = BytesParser(policy=policy.default).parsebytes(raw)
    if mail.get_content_type() != "multipart/report":
        return None
    try:
        addresses = [a for name in _TO for _, a in getaddresses([str(v) for v in mail.get_all(name, [])])]
    except (ValueError, IndexError, AttributeError):  # headers of chance break the parser in many ways
        return None
    found = next((m for m in map(_NAMED.search, addresses) if m), None)
    if found is None:
        return None
    fields = list(_recipients(mail))
    actions = {str(f.get("action", "")).strip().lower() for f in fields}
    status = next((s for f in fields if (s := str(f.get("status", "")).strip()[:12])), "")
    # 4.x.x with "failed" means that they have given up: lost as well (RFC 3464, 2.3.3).
    return Bounce(found[1], UUID(found[2]), actions == {"failed"}, status)


def _recipients(mail: EmailMessage) -> Iterator[Message]:
    """The blocks of the delivery report that speak of a recipient."""
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            if isinstance(blocks, list):
                yield from (b for b in blocks if isinstance(b, Message) and b.get("action") is not None)
