"""Messages posted to a secret address outside: a Teams flow, a signed webhook, an ntfy topic."""

import json
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict
from standardwebhooks import Webhook

from services.notify.gateways.channel import Delayed, Message, Receipt, wanted_back
from services.notify.gateways.outside import Answer, Outside, Refused
from services.pages.texts import text
from services.runtime.errors import Permanent

MOST_CARD_BYTES = 25_000
"""Above this a Teams flow may refuse the card."""


class Address(BaseModel):
    """What is sealed of a place outside: where, and the secret that signs (webhook) or lets in (ntfy)."""

    model_config = ConfigDict(extra="forbid")
    url: str
    secret: str = ""


class _Posted(ABC):
    """What the three have in common: the call, and what its answer means."""

    name = ""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def send(self, message: Message, address: str) -> Receipt:
        """Post one message; ``address`` is the JSON of an Address."""
        where = Address.model_validate_json(address)
        url, body, headers = self._form(message, where)
        try:
            answer = await self._outside.post(url, body, headers)
        except Refused as refused:
            raise Permanent("address_refused", str(refused)) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Delayed(type(error).__name__) from None
        except (httpx.HTTPError, TimeoutError) as error:
            raise Delayed(type(error).__name__, unsure=True) from None
        return Receipt(self._accepted(answer))

    @abstractmethod
    def _form(self, message: Message, where: Address) -> tuple[str, bytes, dict[str, str]]:
        """The address to post to, the body, and its headers."""

    def _accepted(self, answer: Answer) -> str | None:
        if answer.status == httpx.codes.TOO_MANY_REQUESTS or answer.status >= 500:
            raise Delayed(f"answered {answer.status}", seconds=wanted_back(answer.headers))
        if not 200 <= answer.status < 300:
            raise Permanent("refused", f"answered {answer.status}")
        return None


class Teams(_Posted):
    """A workflow card to the trigger "When a Teams webhook request is received"."""

    name = "teams"

    def _form(self, message: Message, where: Address) -> tuple[str, bytes, dict[str, str]]:
        card = json.dumps(teams_card(message), ensure_ascii=False).encode()
        if len(card) > MOST_CARD_BYTES:
            card = json.dumps(teams_card(message, brief=True), ensure_ascii=False).encode()
        return where.url, card, {"Content-Type": "application/json"}


def teams_card(message: Message, *, brief: bool = False) -> dict[str, Any]:
    """The adaptive card, version 1.4; ``brief`` leaves out the facts."""
    body: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": message.title, "weight": "Bolder", "size": "Medium", "wrap": True},
        {"type": "TextBlock", "text": message.intro[:2000], "wrap": True},
    ]
    if message.facts and not brief:
        body.append({"type": "FactSet", "facts": [{"title": n, "value": v} for n, v in message.facts]})
    body.append({"type": "TextBlock", "text": message.why, "wrap": True, "isSubtle": True, "size": "Small"})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "lang": message.language,
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": text("voice.open"), "url": message.link}],
        "msteams": {"width": "full"},
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


class Webhooks(_Posted):
    """A webhook signed by Standard Webhooks 1.0.0; its secret begins with ``whsec_``."""

    name = "webhook"

    def _form(self, message: Message, where: Address) -> tuple[str, bytes, dict[str, str]]:
        now = datetime.now(UTC)
        document = {"type": f"lagesbild.{message.data.get('kind', 'alert')}", "timestamp": now.isoformat()}
        body = json.dumps(document | {"data": {**message.data, "title": message.title, "text": message.intro,
                                               "link": message.link}}, ensure_ascii=False)  # fmt: skip
        ident = message.ident.strip("<>").partition("@")[0]
        return (
            where.url,
            body.encode(),
            {
                "Content-Type": "application/json",
                "webhook-id": ident,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(where.secret).sign(ident, now, body),
            },
        )


class Ntfy(_Posted):
    """A message to a topic of ntfy; the topic's name is secret, and a token may be needed."""

    name = "ntfy"

    def _form(self, message: Message, where: Address) -> tuple[str, bytes, dict[str, str]]:
        url = httpx.URL(where.url)
        # As JSON to the server's root: headers cannot carry å, ä, ö.
        document = {
            "topic": url.path.strip("/"),
            "title": message.title,
            "message": message.in_lines(),
            "priority": 5 if message.urgent else 3,
            "click": message.link,
        }
        headers = {"Content-Type": "application/json"}
        if where.secret:
            headers["Authorization"] = f"Bearer {where.secret}"
        root = str(url.copy_with(path="/", query=None))
        return root, json.dumps(document, ensure_ascii=False).encode(), headers

    def _accepted(self, answer: Answer) -> str | None:
        super()._accepted(answer)
        try:
            ident = json.loads(answer.body).get("id")
        except (ValueError, AttributeError):
            return None
        return ident if isinstance(ident, str) else None
