"""SMS by 46elks: form-encoded POST, HTTP Basic, delivery reports to an address of ours.

Providers stand in order of priority; one that does not answer, or has no credit, is passed over for the next. One that
took the call and never answered may have taken the message: that try ends there, and the next ones begin with another.
"""

import time
from collections.abc import Sequence
from typing import Any

import httpx
from pydantic import BaseModel, SecretStr

from services.notify.gateways.channel import Delayed, Message, Receipt, wanted_back
from services.notify.gateways.outside import calling
from services.runtime.errors import Permanent
from services.runtime.logs import logger

_log = logger(__name__)
LEFT_ALONE = 300.0
"""Seconds for which a provider that never answered is asked last."""


class SmsProvider(BaseModel):
    """One provider's address and account; ``sender`` is at most 11 letters or a number."""

    url: str = "https://api.46elks.com/a1/sms"
    username: str
    password: SecretStr
    sender: str = "Lagesbild"


_FINAL = {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY}


class Sms:
    """The channel."""

    name = "sms"

    def __init__(self, providers: Sequence[SmsProvider], *, timeout: float = 15.0) -> None:
        self._providers = providers
        self._timeout = timeout
        self._silent: dict[int, float] = {}

    async def send(self, message: Message, address: str) -> Receipt:
        """By the first provider that takes it. An answer that never came ends the try: it may have been taken."""
        if not self._providers:
            raise Permanent("no_sms_provider", "no SMS provider is set up")
        trouble: Delayed | None = None
        for place in self._order():
            provider = self._providers[place]
            try:
                return await self._by(provider, message, address)
            except Delayed as delayed:
                _log.warning("an SMS provider did not take a message", provider=provider.url, reason=str(delayed))
                if delayed.unsure:
                    self._silent[place] = time.monotonic() + LEFT_ALONE
                    raise
                trouble = delayed
        raise trouble or Delayed("no provider")

    def _order(self) -> list[int]:
        """Those that answer first, then those that lately did not; by priority among each."""
        now = time.monotonic()
        return sorted(range(len(self._providers)), key=lambda place: (self._silent.get(place, 0.0) > now, place))

    async def _by(self, provider: SmsProvider, message: Message, address: str) -> Receipt:
        form = {"from": provider.sender, "to": address, "message": message.short, "dontlog": "message"}
        if message.receipt_to is not None:
            form["whendelivered"] = message.receipt_to
        try:
            account = (provider.username, provider.password.get_secret_value())
            async with calling(self._timeout) as client:
                answer = await client.post(provider.url, data=form, auth=account)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Delayed(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise Delayed(type(error).__name__, unsure=True) from None
        return _receipt(answer)


def _receipt(answer: httpx.Response) -> Receipt:
    """What a provider's answer means: what it says of the number or text is final, of account and address not."""
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise Delayed("too many", seconds=wanted_back(answer.headers))
    if answer.status_code in _FINAL:
        raise Permanent("sms_refused", f"answered {answer.status_code}")
    if not answer.is_success:
        raise Delayed(f"answered {answer.status_code}")
    try:
        said: Any = answer.json()
    except ValueError:
        raise Delayed("the answer cannot be read", unsure=True) from None
    if not isinstance(said, dict) or not isinstance(said.get("id"), str):
        raise Delayed("the answer has no id", unsure=True)
    if said.get("status") == "failed":
        raise Permanent("sms_refused", "failed at once")
    cost = said.get("cost")
    return Receipt(said["id"], cost if isinstance(cost, int) else None)
