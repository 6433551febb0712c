"""Commands of operation: ``up``, ``down``, ``demo``, ``status``, ``topics``, ``migrate``, ``accept-broker``."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail, stderr, stdout

Port = Annotated[int, typer.Option("--port", help="Port of the one address to open.")]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", envvar="LAGESBILD_OWNER_URL", help="URL of the migrating role.")
]
KafkaServers = Annotated[str | None, typer.Option("--kafka", envvar="LAGESBILD_KAFKA", help="Bootstrap servers.")]


def attach(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (up, down, demo, status, topics, migrate):
        app.command()(command)
    app.command("accept-broker")(accept_broker)
    app.command("restored")(restored)


def _instance(data: Path) -> Any:
    from deploy.local.up import read_instance

    found = read_instance(data)
    if found is None:
        raise fail(f"There is no instance in {data}. Start one with: lagesbild up --data {data}")
    return found


def role_url(data: Path, role: str) -> str:
    """The database URL of a role in a local instance."""
    urls: dict[str, str] = _instance(data).role_urls
    if role not in urls:
        raise fail(f"The instance in {data} was started by an older release. Stop it and start it again.")
    return urls[role]


async def _run(data: Path, port: int, after: Any = None) -> None:
    from deploy.local.layout import Layout
    from deploy.local.up import refuse_if_running, running, until_told

    refuse_if_running(data)
    layout = Layout.open(data, port)
    with stderr.status("Starting", spinner="dots") as shown:

        def step(text: str) -> None:
            shown.update(text)
            if not stderr.is_terminal:
                stderr.print(text, highlight=False)

        def tell(text: str) -> None:
            stderr.print(text, style="bold", highlight=False)

        async with running(layout, step=step, tell=tell):
            if after is not None:
                await after(layout, step)
            shown.stop()
            print(f"ready {layout.public_url}", flush=True)  # noqa: T201 - the line that scripts wait for
            await until_told()


def _keep(data: Path, port: int, after: Any = None) -> None:
    from deploy.local.kafka_jars import FetchFailed, JarMismatch
    from deploy.local.layout import port_is_free
    from deploy.local.supervisor import NotReady
    from deploy.local.up import AlreadyRunning

    if not port_is_free(port):
        raise fail(f"Port {port} is taken. Choose another one with --port.")
    try:
        asyncio.run(_run(data, port, after))
    except (AlreadyRunning, NotReady, JarMismatch, FetchFailed, FileNotFoundError) as error:
        raise fail(str(error)) from None


def up(data: DataDir = DEFAULT_DATA, port: Port = 8080) -> None:
    """Start everything on this machine and keep it alive until Ctrl-C; prints 'ready ADDRESS' when it answers."""
    _keep(data, port)


def demo(data: DataDir = DEFAULT_DATA, port: Port = 8080) -> None:
    """The same with an invented municipality's people and reports, made through the public API."""
    from deploy.local.demo import furnish

    _keep(data, port, furnish)


def down(data: DataDir = DEFAULT_DATA) -> None:
    """Stop the instance of this folder and wait until it is gone."""
    from deploy.local.up import stop

    stderr.print("Stopped." if stop(data) else f"Nothing runs in {data}.", highlight=False)


def status(data: DataDir = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """What runs, position and lag per consumer, dead letters, outbox depth, rows per view."""
    from deploy.status import collect

    instance = _instance(data)
    found = asyncio.run(collect(status_url=instance.status_url, kafka=instance.kafka, urls=instance.urls))
    if as_json:
        answer(found, as_json=True)
    else:
        _show(found)
    if found["trouble"]:
        raise typer.Exit(1)


def _show(found: dict[str, Any]) -> None:
    processes = Table("room", "process", "state", title="Processes")
    for r in found["rooms"]:
        processes.add_row(r["room"], r["process"], "ready" if r["ready"] else "; ".join(map(str, r["trouble"])))
    consumers = Table("consumer", "topic", "records", "lag", "dead letters", title="Consumers")
    for name in sorted({c["consumer"] for c in found["consumers"]}):
        rows = [c for c in found["consumers"] if c["consumer"] == name]
        lags = [c["lag"] for c in rows]
        lag = "unknown" if None in lags else str(sum(lags))
        consumers.add_row(
            name, rows[0]["topic"], str(sum(c["position"] for c in rows)), lag, str(found["dead_letters"].get(name, 0))
        )
    views = Table("view", "rows", title="Views")
    for name, rows in found["views"].items():
        views.add_row(name, str(rows))
    for table in (processes, consumers, views):
        stdout.print(table)
    stdout.print(f"Outbox: {found['outbox'].get('ingest', 'unknown')} unsent", highlight=False)
    for line in found["trouble"]:
        stderr.print(line, style="bold", highlight=False)


def topics(
    data: DataDir = DEFAULT_DATA, kafka: KafkaServers = None, replication: int = 1, as_json: AsJson = False
) -> None:
    """Create the catalogue's topics where they are missing, and hold the others against it."""
    from deploy.topics import CatalogueMismatch, ensure_topics

    try:
        made = asyncio.run(ensure_topics(kafka or _instance(data).kafka, replication=replication))
    except CatalogueMismatch as wrong:
        raise fail(str(wrong)) from None
    answer({"created": made}, as_json=as_json, human=f"Created: {', '.join(made) or 'nothing, all are there'}")


def migrate(
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    admin_url: Annotated[
        str | None,
        typer.Option("--admin-url", envvar="LAGESBILD_ADMIN_URL", help="URL that may create roles; optional."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make roles (with --admin-url) and bring every room's schema to its newest version."""
    import os

    from deploy.database.roles import passwords_from, prepare
    from services.runtime.migrations import upgrade
    from services.runtime.outbox import driver_dsn

    if admin_url is not None:
        asyncio.run(prepare(driver_dsn(admin_url), passwords_from(os.environ)))
    upgrade(database_url or _instance(data).owner_url)
    answer({"migrated": True}, as_json=as_json, human="Every schema is at its newest version.")
    sys.stdout.flush()


def accept_broker(
    consumer: Annotated[str, typer.Argument(help="As in the catalogue: geo.reports.")],
    where: Annotated[str, typer.Option("--from", help="keep, beginning or end.")] = "beginning",
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    kafka: KafkaServers = None,
    as_json: AsJson = False,
) -> None:
    """After a halt "another cluster", "outside the log" or "another record", and a look: this is its log now."""
    from deploy.broker import UnknownConsumer, accept
    from services.runtime.outbox import driver_dsn

    if where not in {"keep", "beginning", "end"}:
        raise fail(f"--from is keep, beginning or end, not {where}.", 2)
    url = database_url or _instance(data).owner_url
    try:
        moved = asyncio.run(accept(driver_dsn(url), kafka or _instance(data).kafka, consumer, where))  # type: ignore[arg-type]  # checked above
    except UnknownConsumer:
        raise fail(f"The catalogue has no consumer {consumer}.", 2) from None
    answer(moved, as_json=as_json, human=f"{consumer}: {len(moved)} partitions accepted, reading from {where}.")


def restored(data: DataDir = DEFAULT_DATA, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """After restoring the database from a backup, before the rooms start: begin the next epoch of numbers."""
    from deploy.broker import next_epoch
    from services.runtime.outbox import driver_dsn

    epochs = asyncio.run(next_epoch(driver_dsn(database_url or _instance(data).owner_url)))
    answer(epochs, as_json=as_json, human=f"Epochs now: {epochs}")
