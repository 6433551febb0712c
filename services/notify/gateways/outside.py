"""Calls to addresses that people have given us. They must not reach inside the house.

Only HTTPS, only addresses that are public when looked up, connected to by exactly the address that was looked at (a
name that answers differently the second time gains nothing), no redirects, and answers of a bounded size. What an
operator runs inside (``outside_allowed``: host:port) is let through on purpose.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import httpx

MOST_BYTES = 65_536
Reason = Literal["no_address", "only_https", "unknown", "inside", "no_answer", "not_given", "too_large"]
TOTAL_SECONDS = 15.0
"""Of one call: an answer that drips holds nobody up."""


@cache
def _trusted() -> ssl.SSLContext:
    """Loading the certificates costs more than a call: once."""
    return httpx.create_ssl_context()


def calling(timeout: float) -> httpx.AsyncClient:
    """A client for one call: no environment, no redirects, nothing kept open between messages."""
    return httpx.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False, verify=_trusted())


class Refused(Exception):
    """The address may not be called, or nothing usable is there.

    ``reason`` is a stable code for what people read (``places.why_…``); the text says it for logs, without the address.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers and the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Outside:
    """An HTTP client for addresses that we do not trust."""

    def __init__(self, allowed: Sequence[str] = (), *, timeout: float = 10.0) -> None:
        self._allowed = frozenset(allowed)
        self._timeout = timeout

    async def check(self, address: str) -> None:
        """Refused where a call to this address would be."""
        await self._target(address)

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST; Refused when the address may not be called, httpx.HTTPError when it does not answer."""
        return await self._call("POST", address, body, headers, MOST_BYTES)

    async def fetch(self, address: str, *, most_bytes: int = MOST_BYTES) -> bytes:
        """GET a file; Refused when the address may not be called, or does not give it."""
        try:
            answer = await self._call("GET", address, None, {}, most_bytes + 1)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Refused("no_answer", f"no answer ({type(error).__name__})") from None
        if answer.status != httpx.codes.OK:
            raise Refused("not_given", f"it answered {answer.status}")
        if len(answer.body) > most_bytes:
            raise Refused("too_large", f"it is larger than {most_bytes} bytes")
        return answer.body

    async def _call(
        self, method: str, address: str, body: bytes | None, headers: Mapping[str, str], most: int
    ) -> Answer:
        url, host = await self._target(address)
        extensions = {"sni_hostname": host} if url.scheme == "https" else {}
        sent = {**headers, "Host": _host_header(address)}
        taken = bytearray()
        async with (
            asyncio.timeout(TOTAL_SECONDS),
            calling(self._timeout) as client,
            client.stream(method, url, content=body, headers=sent, extensions=extensions) as answer,
        ):
            async for chunk in answer.aiter_bytes():
                taken += chunk
                if len(taken) >= most:
                    break
            return Answer(answer.status_code, answer.headers, bytes(taken[:most]))

    async def _target(self, address: str) -> tuple[httpx.URL, str]:
        """The URL by number, and the name for the certificate; Refused."""
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL:
            raise Refused("no_address", "it is no address") from None
        if not url.host or url.userinfo:
            raise Refused("no_address", "it is no address")
        if f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}" in self._allowed:
            return url, url.host
        if url.scheme != "https":
            raise Refused("only_https", "only https:// is called")
        number = await _public(url.host, url.port or 443)
        return url.copy_with(host=number), url.host


def _host_header(address: str) -> str:
    return httpx.URL(address).netloc.decode()


_TRANSLATED = tuple(
    ipaddress.IPv6Network(net)
    for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::ffff:0:0:0/96")
)
"""What a gateway turns into an address of IPv4, which may be one inside (RFC 6052, 8215, 3056, 4380, 2765)."""


async def _public(host: str, port: int) -> str:
    """The first number of a name, when all its numbers are public."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise Refused("unknown", "the name is not known") from None
    numbers = [ipaddress.ip_address(entry[4][0]) for entry in found]
    for number in numbers:
        mapped = getattr(number, "ipv4_mapped", None) or number
        if not mapped.is_global or mapped.is_multicast or any(mapped in net for net in _TRANSLATED):
            raise Refused("inside", "the address is inside, not on the internet")
    return str(numbers[0])
