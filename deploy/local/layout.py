"""Where a local instance keeps its things: one data directory, ports chosen once, secrets made once."""

import json
import os
import random
import secrets
import socket
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import portpicker

from services.runtime.migrations import ROOMS

_SOCKET_PATH_LIMIT = 90
"""Bytes; the kernel allows 107 for a Unix socket's path and PostgreSQL adds its own file name."""

PORT_NAMES = (
    "kafka",
    "kafka_controller",
    "smtp",
    "mailbox",
    *(f"{room}_{process}" for room in ROOMS for process in ("serve", "work")),
)


_PORTS = range(15_000, 30_000)
"""Below the range that the kernel gives to outgoing connections: a restarted broker must find its port free."""


def pick_port(taken: Collection[int] = ()) -> int:
    """A free loopback port that is not among ``taken``."""
    while True:
        port = random.choice(_PORTS)  # noqa: S311 - a port is no secret
        if port not in taken and portpicker.is_port_free(port):
            return int(port)


def port_is_free(port: int) -> bool:
    """Whether nobody listens on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Layout:
    """One instance's directory and ports. Two instances have two directories and share nothing."""

    data: Path
    gateway_port: int
    ports: dict[str, int]
    secrets: dict[str, str]

    @classmethod
    def open(cls, data: Path, gateway_port: int) -> "Layout":
        """The instance in ``data``, made if it is not there. Ports that somebody else took meanwhile are replaced."""
        data = data.expanduser().resolve()
        for folder in ("kafka", "postgres", "mail", "logs"):
            (data / folder).mkdir(parents=True, exist_ok=True)
        ports = _stored(data / "ports.json")
        for name in PORT_NAMES:
            if name not in ports or not port_is_free(ports[name]):
                ports[name] = pick_port(ports.values())
        (data / "ports.json").write_text(json.dumps(ports, indent=1))
        return cls(data, gateway_port, ports, _secrets(data / "secrets.json"))

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""
        return f"127.0.0.1:{self.ports['kafka']}"

    @property
    def public_url(self) -> str:
        """The address to open."""
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def socket_dir(self) -> Path:
        """Folder of PostgreSQL's socket: beside the data, or in the temporary folder when that path is too long."""
        beside = self.data / "postgres"
        if len(str(beside)) < _SOCKET_PATH_LIMIT:
            return beside
        return Path(tempfile.gettempdir()) / f"lagesbild-{sha256(str(beside).encode()).hexdigest()[:12]}"

    def dsn(self, role: str, database: str = "lagesbild") -> str:
        """DSN for asyncpg as a role, over the socket."""
        return f"postgresql://{role}@/{database}?host={self.socket_dir}"

    def database_url(self, role: str) -> str:
        """URL for SQLAlchemy as a role."""
        return self.dsn(role).replace("postgresql://", "postgresql+asyncpg://", 1)

    def url(self, name: str) -> str:
        """HTTP address of a process by its port name."""
        return f"http://127.0.0.1:{self.ports[name]}"


def _stored(path: Path) -> dict[str, int]:
    try:
        return {str(k): int(v) for k, v in json.loads(path.read_text()).items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}


def _secrets(path: Path) -> dict[str, str]:
    """Service secrets of the rooms, made at first start, readable by the owner only."""
    if path.exists():
        return {str(k): str(v) for k, v in json.loads(path.read_text()).items()}
    made = {room: secrets.token_urlsafe(32) for room in ROOMS} | {"cluster_id": secrets.token_urlsafe(16)}
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(made, file, indent=1)
    return made
