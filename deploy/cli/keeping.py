"""Keeping it whole: ``topics``, ``migrate``, ``accept-broker``, ``restored``."""

import asyncio
import sys
from typing import Annotated

import typer

from deploy.cli.instances import DatabaseUrl, KafkaServers, instance_in
from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail


def topics(
    data: DataDir = DEFAULT_DATA, kafka: KafkaServers = None, replication: int = 1, as_json: AsJson = False
) -> None:
    """Create the catalogue's topics where they are missing, and hold the others against it."""
    from deploy.topics import CatalogueMismatch, ensure_topics

    try:
        made = asyncio.run(ensure_topics(kafka or instance_in(data).kafka, replication=replication))
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
    upgrade(database_url or instance_in(data).owner_url)
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
    url = database_url or instance_in(data).owner_url
    try:
        moved = asyncio.run(accept(driver_dsn(url), kafka or instance_in(data).kafka, consumer, where))  # type: ignore[arg-type]  # checked above
    except UnknownConsumer:
        raise fail(f"The catalogue has no consumer {consumer}.", 2) from None
    answer(moved, as_json=as_json, human=f"{consumer}: {len(moved)} partitions accepted, reading from {where}.")


def restored(data: DataDir = DEFAULT_DATA, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """After restoring the database from a backup, before the rooms start: begin the next epoch of numbers."""
    from deploy.broker import next_epoch
    from services.runtime.outbox import driver_dsn

    epochs = asyncio.run(next_epoch(driver_dsn(database_url or instance_in(data).owner_url)))
    answer(epochs, as_json=as_json, human=f"Epochs now: {epochs}")
