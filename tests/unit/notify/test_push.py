"""Web Push: sealed as the standard's own example is, signed by a key that only grows out of the secret."""

import base64
import json
from dataclasses import replace

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import ValidationError

from services.notify.gateways.channel import Message
from services.notify.gateways.push import Device, Keys, Vapid, sealed, words
from tests.support.outside import Phone

SECRET = "a secret of this instance"


def raw(written: str) -> bytes:
    return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))


def test_the_example_of_rfc_8291_comes_out_to_the_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Appendix A of RFC 8291: receiver's key, sender's key and salt given; the sealed message follows."""
    device = Device(
        endpoint="https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        keys=Keys(
            p256dh="BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            auth="BTBZMqHH6r4Tts7J_aSIgg",
        ),
    )
    sender = ec.derive_private_key(int.from_bytes(raw("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1())
    salt = raw("DGv6ra1nlYgDCS1FRnbzlw")
    monkeypatch.setattr(ec, "generate_private_key", lambda _curve: sender)
    monkeypatch.setattr(http_ece.os, "urandom", lambda _count: salt)
    body = sealed(device, b"When I grow up, I want to be a watermelon")
    assert _written(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )  # fmt: skip


def test_the_key_follows_from_the_secret_and_the_token_names_the_push_service() -> None:
    vapid = Vapid(SECRET, "https://lagesbild.exempel")
    assert vapid.public == Vapid(SECRET, "x").public
    assert vapid.public != Vapid(SECRET + "!", "x").public
    header = vapid.header("https://push.example.net/push/abc?x=1")
    token, _, key = header.removeprefix("vapid t=").partition(", k=")
    assert key == vapid.public
    point = raw(key)
    public = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": _written(point[1:33]), "y": _written(point[33:])})
    claims = jwt.decode(token, public, algorithms=["ES256"]).claims
    assert claims["aud"] == "https://push.example.net"
    assert claims["sub"] == "https://lagesbild.exempel"
    assert vapid.header("https://push.example.net/push/other") == header, "one token per push service"


def _written(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def test_the_longest_message_fits_what_every_push_service_takes() -> None:
    link = "https://h/" + "x" * 200
    message = Message("<a@b>", "s", "Å" * 500, "åäö " * 2000, (), "", link, "", "", thread="<alert-1@b>")
    device = Phone()
    body = sealed(device.device("https://push.example.net/x"), words(message))
    assert len(body) <= 4096
    said = device.reads(body)
    assert said["web_push"] == 8030
    assert said["notification"]["body"].endswith("…")
    again = json.loads(words(replace(message, ident="<other@b>")))
    assert again["notification"]["tag"] == said["notification"]["tag"], "one alert takes one place on the screen"


@pytest.mark.parametrize(
    "keys",
    [
        {"p256dh": "BCVx", "auth": "BTBZMqHH6r4Tts7J_aSIgg"},
        {"p256dh": "B" * 87, "auth": "BTBZMqHH6r4Tts7J_aSIgg"},
        {"p256dh": Phone().keys["p256dh"], "auth": "kort"},
        {"p256dh": Phone().keys["p256dh"], "auth": "åäö"},
    ],
)
def test_keys_that_are_none_are_refused_at_the_door(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Keys.model_validate(keys)
