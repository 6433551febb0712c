"""Getting at the broker: one address that says where it is and who is asking.

``host:9092`` for a broker that asks nobody; ``sasl://user:password@host:9092`` for SASL/SCRAM-SHA-256, as the local run
and the compose file have it; ``sasl+tls://…`` for the same behind TLS. Several hosts are separated by commas.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from faststream.security import BaseSecurity

START_SECONDS = 10.0
MECHANISM = "SCRAM-SHA-256"


class BadAddress(ValueError):
    """The address is none of the three forms; the text never repeats it, since it may hold a password."""


@dataclass(frozen=True, slots=True)
class Access:
    """An address, taken apart. Never print it: ``servers`` may be shown, the rest not."""

    servers: str
    user: str | None = None
    password: str | None = None
    tls: bool = False

    def arguments(self) -> dict[str, Any]:
        """What every aiokafka client takes."""
        found: dict[str, Any] = {"bootstrap_servers": self.servers}
        if self.user is not None:
            found |= {
                "security_protocol": "SASL_SSL" if self.tls else "SASL_PLAINTEXT",
                "sasl_mechanism": MECHANISM,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
            if self.tls:
                found["ssl_context"] = ssl.create_default_context()
        return found

    def security(self) -> "BaseSecurity | None":
        """The same for FastStream."""
        from faststream.security import SASLScram256  # heavy, and serving processes never need it

        if self.user is None or self.password is None:
            return None
        return SASLScram256(
            username=self.user,
            password=self.password,
            use_ssl=self.tls,
            ssl_context=ssl.create_default_context() if self.tls else None,
        )


def access(address: str) -> Access:
    """The parts of an address; BadAddress when it has none."""
    if "://" not in address:
        return Access(address)
    found = urlsplit(address)
    who, _, servers = found.netloc.rpartition("@")
    user, _, password = who.partition(":")
    if found.scheme not in {"sasl", "sasl+tls"} or not user or not password or not servers:
        raise BadAddress("Kafka's address is host:port, sasl://user:password@host:port or sasl+tls://…")
    return Access(servers, unquote(user), unquote(password), found.scheme == "sasl+tls")


def address(servers: str, user: str, password: str) -> str:
    """The address of a user on a broker that asks for passwords."""
    return f"sasl://{quote(user, safe='')}:{quote(password, safe='')}@{servers}"


@asynccontextmanager
async def started(client: Any) -> AsyncIterator[Any]:
    """One of aiokafka's clients, started for this block and stopped after it, also when it could not start.

    TimeoutError when the broker takes connections and says nothing.
    """
    try:
        async with asyncio.timeout(START_SECONDS):
            await client.start()
        yield client
    finally:
        await (client.close() if hasattr(client, "close") else client.stop())
