"""Web Push: a notification on a phone or computer, sealed for that device alone (RFC 8030, 8188, 8291, 8292).

The words are Safari's declarative form, which our service worker shows where the browser does not do it by itself.
"""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

import http_ece
import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, TypeAdapter

from services.notify.gateways.channel import Delayed, Gone, Message, Receipt, wanted_back
from services.notify.gateways.outside import Answer, Outside, Refused
from services.runtime.errors import Permanent

KEPT_SECONDS = 24 * 3600
"""How long a push service keeps what a device that is off has not fetched."""
TOKEN_SECONDS, TOKEN_USED = 12 * 3600, 6 * 3600
MOST_LETTERS = 700
"""Of the words; a push service takes 4 096 bytes, sealed, and å takes two."""
_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points P-256 has (NIST SP 800-186, 3.2.1.3)."""


def _bytes(written: str) -> bytes:
    return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _point(written: str) -> str:
    ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, _bytes(written))
    return written


def _sixteen(written: str) -> str:
    if len(_bytes(written)) != 16:
        raise ValueError("16 bytes are needed")
    return written


_Base64 = StringConstraints(pattern=r"^[A-Za-z0-9_-]+=*$", max_length=100)


class Keys(BaseModel):
    """What a device sealed its end with: a point of P-256 and 16 bytes, base64url."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    p256dh: Annotated[str, _Base64, AfterValidator(_point)]
    auth: Annotated[str, _Base64, AfterValidator(_sixteen)]


class Device(BaseModel):
    """A push subscription, as a browser gives it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    endpoint: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=1000)]
    keys: Keys
    ident: UUID | None = None


DEVICES = TypeAdapter(list[Device])


class Vapid:
    """Who sends, for push services (RFC 8292): a key that follows from the instance's secret."""

    def __init__(self, secret: str, contact: str) -> None:
        derived = HKDF(SHA256(), 48, b"lagesbild", b"vapid").derive(secret.encode())
        # 16 bytes more than the order has: no number is likelier than another (FIPS 186-5, A.2.1).
        key = ec.derive_private_key(int.from_bytes(derived) % (_ORDER - 1) + 1, _CURVE)
        self._key = ECKey.import_key(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.public = _written(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        self._contact = contact
        self._made: dict[str, tuple[float, str]] = {}

    def header(self, endpoint: str) -> str:
        """``Authorization`` for an endpoint; one token per push service for six hours."""
        parts = urlsplit(endpoint)
        origin = f"{parts.scheme}://{parts.netloc}"
        kept = self._made.get(origin)
        if kept is None or time.monotonic() - kept[0] > TOKEN_USED:
            claims = {"aud": origin, "exp": int(time.time()) + TOKEN_SECONDS, "sub": self._contact}
            token = jwt.encode({"alg": "ES256", "typ": "JWT"}, claims, self._key)
            if len(self._made) > 100:  # endpoints are people's to give
                self._made.clear()
            kept = self._made[origin] = (time.monotonic(), token)
        return f"vapid t={kept[1]}, k={self.public}"


class Push:
    """The channel. An address is the JSON of all devices of a person; one that takes the message is enough."""

    name = "push"

    def __init__(self, outside: Outside, vapid: Vapid) -> None:
        self._outside, self._vapid = outside, vapid

    async def send(self, message: Message, address: str) -> Receipt:
        """To every device. Those that are no more stand in the receipt, or in Gone when there is no other."""
        devices = DEVICES.validate_json(address)
        # Together: a device that does not answer keeps nobody waiting for the others.
        outcomes = await asyncio.gather(*(self._to(d, message) for d in devices), return_exceptions=True)
        took = [o for o in outcomes if isinstance(o, str)]
        gone = [end for o in outcomes if isinstance(o, Gone) for end in o.ends]
        if took:
            return Receipt(next((t for t in took if t), None), gone=tuple(gone))
        troubles = [o for o in outcomes if isinstance(o, BaseException) and not isinstance(o, Gone)]
        # Of several the one that may pass decides.
        raise min(troubles, key=lambda o: not isinstance(o, Delayed), default=Gone(gone))

    async def _to(self, device: Device, message: Message) -> str:
        headers = {
            "Authorization": self._vapid.header(device.endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT_SECONDS),
            "Urgency": "high" if message.urgent else "normal",
            "Topic": _topic(message),
        }
        try:
            answer = await self._outside.post(device.endpoint, sealed(device, words(message)), headers)
        except Refused as refused:
            raise Permanent("address_refused", str(refused)) from None
        except (httpx.HTTPError, TimeoutError) as error:
            # Nothing doubles: the repeat has the same topic and tag, and takes the first one's place.
            raise Delayed(type(error).__name__, unsure=True, receiver=True) from None
        return _taken(answer, device)


def _taken(answer: Answer, device: Device) -> str:
    """What a push service's answer means (RFC 8030, 5): its address of the message, where it gives one."""
    if answer.status in {404, 410}:
        raise Gone([] if device.ident is None else [device.ident])
    if answer.status == 429 or answer.status >= 500:
        raise Delayed(f"answered {answer.status}", seconds=wanted_back(answer.headers), receiver=True)
    if not 200 <= answer.status < 300:
        raise Permanent("refused", f"answered {answer.status}")
    return str(answer.headers.get("location", "")).rpartition("/")[2]


def _topic(message: Message) -> str:
    """At most 32 letters: a second message about the same takes the place of one that was not fetched yet."""
    return _written(hashlib.sha256((message.thread or message.ident).encode()).digest()[:24])


def words(message: Message) -> bytes:
    """The declarative message (``web_push: 8030``), cut to what every push service takes."""
    lines = message.in_lines()
    said = lines if len(lines) <= MOST_LETTERS else lines[: MOST_LETTERS - 1] + "…"
    notification = {
        "title": message.title[:200],
        "body": said,
        "navigate": message.link,
        "lang": message.language,
        "dir": "ltr",
        "tag": _topic(message),
    }
    return json.dumps({"web_push": 8030, "notification": notification}, ensure_ascii=False).encode()


def sealed(device: Device, content: bytes) -> bytes:
    """The content for this device alone, aes128gcm (RFC 8291)."""
    made: bytes = http_ece.encrypt(
        content,
        private_key=ec.generate_private_key(_CURVE),
        dh=_bytes(device.keys.p256dh),
        auth_secret=_bytes(device.keys.auth),
        version="aes128gcm",
    )
    return made


def addresses(devices: Sequence[Device]) -> str:
    """The address of somebody who has these."""
    return DEVICES.dump_json(list(devices)).decode()
