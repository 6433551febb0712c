"""Running an instance on this machine: ``up``, ``down``, ``demo``, ``status``."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from deploy.cli.instances import instance_in
from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail, stderr, stdout

Port = Annotated[
    int | None, typer.Option("--port", help="Port of the one address to open; default: the one it had, or 8080.")
]


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
            stderr.print(text, style="bold", highlight=False, soft_wrap=True)

        async with running(layout, step=step, tell=tell):
            if after is not None:
                await after(layout, step)
            shown.stop()
            print(f"ready {layout.public_url}", flush=True)  # noqa: T201 - the line that scripts wait for
            await until_told()


def _keep(data: Path, wanted: int | None, after: Any = None) -> None:
    from deploy.local.kafka_jars import FetchFailed, JarMismatch
    from deploy.local.layout import port_is_free
    from deploy.local.supervisor import NotReady
    from deploy.local.up import AlreadyRunning, HalfRestored, port_of

    port = wanted or port_of(data)
    if not port_is_free(port):
        raise fail(f"Port {port} is taken. Choose another one with --port.")
    try:
        asyncio.run(_run(data, port, after))
    except (AlreadyRunning, HalfRestored, NotReady, JarMismatch, FetchFailed, FileNotFoundError) as error:
        raise fail(str(error)) from None


def up(data: DataDir = DEFAULT_DATA, port: Port = None) -> None:
    """Start everything on this machine and keep it alive until Ctrl-C; prints 'ready ADDRESS' when it answers."""
    _keep(data, port)


def demo(data: DataDir = DEFAULT_DATA, port: Port = None) -> None:
    """The same with an invented municipality's people and reports, made through the public API."""
    from deploy.local.demo import furnish

    _keep(data, port, furnish)


def down(data: DataDir = DEFAULT_DATA) -> None:
    """Stop the instance of this folder and wait until it is gone."""
    from deploy.local.up import stop

    stderr.print("Stopped." if stop(data) else f"Nothing runs in {data}.", highlight=False)


def status(data: DataDir = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """What runs, position and lag per consumer, dead letters, outbox depth, rows per view."""
    from deploy.local.halts import recent_halts
    from deploy.status import collect

    instance = instance_in(data)
    found = asyncio.run(collect(status_url=instance.status_url, kafka=instance.kafka, urls=instance.urls))
    found["trouble"] += recent_halts(data)
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
    stdout.print(f"Outbox: {sum(found['outbox'].values()) if found['outbox'] else 'unknown'} unsent", highlight=False)
    for line in found["trouble"]:
        stderr.print(line, style="bold", highlight=False, soft_wrap=True)
