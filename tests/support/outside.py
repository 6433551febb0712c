"""The other side of every channel, over real sockets: one program that takes, refuses, stalls and lies."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.notify.gateways.push import Device, Keys


@dataclass
class Phone:
    """A device's end of Web Push: the keys that a browser makes, and what it reads with them."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    @property
    def keys(self) -> dict[str, str]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dh": _written(point), "auth": _written(self.auth)}

    def device(self, endpoint: str) -> Device:
        return Device(endpoint=endpoint, keys=Keys.model_validate(self.keys), ident=uuid4())

    def reads(self, body: bytes) -> Any:
        return json.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm"))


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Taken:
    """One call."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Outsider:
    """What the program was sent, and how it is to answer next: (status, headers, body), "stall" or "hang up"."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    default: Any = (200, {}, b"{}")
    stall_seconds: float = 5.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"


def _handler(outsider: Outsider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            outsider.taken.append(Taken(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self._answer()

        def do_GET(self) -> None:
            outsider.taken.append(Taken(self.path, {k.lower(): v for k, v in self.headers.items()}, b""))
            self._answer()

        def _answer(self) -> None:
            answer = outsider.answers.pop(0) if outsider.answers else outsider.default
            if answer == "hang up":
                self.close_connection = True
                return
            if answer == "stall":
                time.sleep(outsider.stall_seconds)
                answer = outsider.default
            status, headers, content = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            return

    return Handler


@contextmanager
def outsider() -> Iterator[Outsider]:
    """The program on a free port of this machine."""
    made = Outsider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
