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

from deploy.database.roles import room_roles
from services.runtime.kafka_access import address
from services.runtime.migrations import OWNER_ROLE, ROOMS, STATUS_ROLE

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


OPERATOR = "operator"
"""Who may do everything with the local broker: the topics job and the commands of operation."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One instance's directory and ports. Two instances have two directories and share nothing."""

    data: Path
    gateway_port: int
    ports: dict[str, int]
    secrets: dict[str, str]

    @classmethod
    def open(cls, data: Path, gateway_port: int, *, passwords: bool = True) -> "Layout":
        """The instance in ``data``, made if it is not there. Ports that somebody else took meanwhile are replaced."""
        data = data.expanduser().resolve()
        for folder in ("kafka", "postgres", "mail", "logs", "photos"):
            (data / folder).mkdir(parents=True, exist_ok=True)
        ports = _stored(data / "ports.json")
        for name in PORT_NAMES:
            if name not in ports or not port_is_free(ports[name]):
                ports[name] = pick_port(ports.values())
        (data / "ports.json").write_text(json.dumps(ports, indent=1))
        return cls(data, gateway_port, ports, _secrets(data / "secrets.json", passwords=passwords))

    @classmethod
    def of(cls, data: Path) -> "Layout":
        """The instance in ``data`` as it is, running or not; nothing is made or changed."""
        data = data.expanduser().resolve()
        return cls(data, 0, _stored(data / "ports.json"), _secrets(data / "secrets.json", passwords=True))

    @staticmethod
    def new_cluster_id() -> str:
        """An identity for a broker's new, empty log; Kafka's tool would take one that begins with - for an option."""
        while (made := secrets.token_urlsafe(16)).startswith("-"):
            pass
        return made

    @property
    def kafka(self) -> str:
        """The broker's address for an operator."""
        return self.kafka_as(OPERATOR)

    def kafka_as(self, user: str) -> str:
        """The broker's address for a room, or for ``operator``. Brokers of early folders ask nobody for a password."""
        servers = f"127.0.0.1:{self.ports['kafka']}"
        password = self.secrets.get(f"kafka_{user}")
        return servers if password is None else address(servers, user, password)

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
        password = self.secrets.get(f"database_{role}")
        who = role if password is None else f"{role}:{password}"
        return f"postgresql://{who}@/{database}?host={self.socket_dir}"

    @property
    def database_passwords(self) -> dict[str, str]:
        """Role → password, for those that have one."""
        return {
            name.removeprefix("database_"): secret
            for name, secret in self.secrets.items()
            if name.startswith("database_")
        }

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


def _secrets(path: Path, *, passwords: bool) -> dict[str, str]:
    """Everything secret, made at the first start, readable by the owner only.

    Later starts add no passwords: servers that were set up without go on without.
    """
    if path.exists():
        known = {str(k): str(v) for k, v in json.loads(path.read_text()).items()}
        if "seal" not in known:  # an instance from before anything was sealed
            known["seal"] = secrets.token_urlsafe(32)
            path.write_text(json.dumps(known, indent=1))
        return known
    made = {name: secrets.token_urlsafe(32) for name in (*ROOMS, "seal")} | {"cluster_id": Layout.new_cluster_id()}
    if passwords:
        names = [f"kafka_{user}" for user in (OPERATOR, *ROOMS)]
        names += [f"database_{role}" for role in ("postgres", OWNER_ROLE, STATUS_ROLE, *room_roles())]
        made |= {name: secrets.token_urlsafe(24) for name in names}
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(made, file, indent=1)
    return made
