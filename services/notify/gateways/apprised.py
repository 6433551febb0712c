"""The extra: any of Apprise's services, by the scheme that an operator has named.

Apprise calls by itself, so the guard against addresses inside does not reach there: nothing is allowed until an
operator says which schemes are. It gives no receipt either, only taken or not.
"""

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from services.notify.gateways.channel import Delayed, Message, Receipt
from services.notify.gateways.posted import Address
from services.runtime.errors import Permanent

PATIENCE_SECONDS = 30.0


class Apprised:
    """The channel; ``schemes``: what may stand before ``://``."""

    name = "apprise"

    def __init__(self, schemes: Sequence[str]) -> None:
        self._schemes = frozenset(schemes)

    async def send(self, message: Message, address: str) -> Receipt:
        """Hand over one message; it may have been taken when no answer comes in time."""
        url = Address.model_validate_json(address).url
        if not usable(url, self._schemes):
            raise Permanent("scheme_not_allowed", "the operator has not named this scheme, or Apprise is not installed")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                taken = await asyncio.to_thread(_notify, url, message)
        except TimeoutError:
            raise Delayed("no answer", unsure=True) from None
        if not taken:
            raise Delayed("not taken", unsure=True)
        return Receipt()


def usable(url: str, schemes: Sequence[str] | frozenset[str]) -> bool:
    """Whether an address can be used: its scheme is named, and Apprise is there and knows it."""
    if url.partition("://")[0].lower() not in schemes or find_spec("apprise") is None:
        return False
    return _service(url) is not None


def _service(url: str) -> Any:
    """The one service that an address names. Apprise's own ``add`` takes several in one text, of any scheme."""
    import apprise  # the extra

    return apprise.Apprise.instantiate(url, suppress_exceptions=True)


def _notify(url: str, message: Message) -> bool:
    import apprise  # the extra

    sender = apprise.Apprise()
    sender.add(_service(url))
    kind = apprise.NotifyType.WARNING if message.urgent else apprise.NotifyType.INFO
    return bool(sender.notify(title=message.title, body=f"{message.in_lines()}\n{message.link}", notify_type=kind))
