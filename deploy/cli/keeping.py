"""Keeping it whole: ``topics``, ``migrate``, ``accept-broker``, ``backup``, ``restore``, ``restored``."""

import asyncio
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.instances import DatabaseUrl, KafkaServers, instance_in
from schemas.topics import CATALOGUE
from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail, stderr

if TYPE_CHECKING:
    from deploy.local.backups import Restored


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
    from services.runtime.database import driver_dsn
    from services.runtime.migrations import upgrade

    if admin_url is not None:
        asyncio.run(prepare(driver_dsn(admin_url), passwords_from(os.environ)))
    upgrade(database_url or instance_in(data).owner_url)
    answer({"migrated": True}, as_json=as_json, human="Every schema is at its newest version.")
    sys.stdout.flush()


def accept_broker(
    consumer: Annotated[str, typer.Argument(help="As in the catalogue: geo.reports; or all.")],
    where: Annotated[str, typer.Option("--from", help="keep, beginning or end.")] = "beginning",
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    kafka: KafkaServers = None,
    as_json: AsJson = False,
) -> None:
    """After a halt "another cluster", "outside the log" or "another record", and a look: this is its log now."""
    from deploy.broker import UnknownConsumer, accept
    from services.runtime.database import driver_dsn

    if where not in {"keep", "beginning", "end"}:
        raise fail(f"--from is keep, beginning or end, not {where}.", 2)
    url = database_url or instance_in(data).owner_url
    every, servers = [c for topic in CATALOGUE for c in topic.consumers], kafka or instance_in(data).kafka

    async def each() -> dict[str, dict[int, int]]:
        chosen = every if consumer == "all" else [consumer]
        return {name: await accept(driver_dsn(url), servers, name, where) for name in chosen}  # type: ignore[arg-type]  # checked above

    try:
        moved = asyncio.run(each())
    except UnknownConsumer:
        raise fail(f"The catalogue has no consumer {consumer}. There are {', '.join(every)}.", 2) from None
    lines = [f"{name}: {len(found)} partitions accepted, reading from {where}." for name, found in moved.items()]
    answer(moved, as_json=as_json, human="\n".join(lines))


def restored(
    data: DataDir = DEFAULT_DATA, database_url: DatabaseUrl = None, kafka: KafkaServers = None, as_json: AsJson = False
) -> None:
    """After restoring a database by other means, before the rooms start: new numbers, and nobody is told again."""
    from deploy.broker import begin_again
    from services.runtime.database import driver_dsn

    owner = driver_dsn(database_url or instance_in(data).owner_url)
    epochs = asyncio.run(begin_again(owner, kafka or instance_in(data).kafka))
    answer(epochs, as_json=as_json, human=f"Epochs now: {epochs}. Next: lagesbild take-back")


def backup(
    to: Annotated[Path | None, typer.Option(help="New folder to write; default: DATA/backups/TIME.")] = None,
    data: DataDir = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Back up a running local instance: the database as of now and the secrets, verified. Nothing stops meanwhile."""
    from deploy.local.backups import BadBackup
    from deploy.local.backups import backup as write
    from deploy.local.layout import Layout

    if not instance_in(data).runs:
        raise fail(f"The instance in {data} does not run. Start it first: lagesbild up --data {data}")
    target = to or data / "backups" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    try:
        about = write(Layout.of(data), target.expanduser().resolve())
    except (BadBackup, OSError) as wrong:
        raise fail(f"No backup was made: {wrong}") from None
    megabytes = about["bytes"] / 1e6
    answer(
        about | {"folder": str(target)},
        as_json=as_json,
        human=f"{target}: {megabytes:.1f} MB, whole. It holds every secret: keep it where only you can read it.",
    )


def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that lagesbild backup wrote.")],
    data: DataDir = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Make the (stopped) local instance from a backup, and take back from the topics what came after it."""
    from deploy.local.backups import BadBackup
    from deploy.local.backups import restore as rebuild
    from deploy.local.supervisor import NotReady
    from deploy.local.up import AlreadyRunning

    def step(text: str) -> None:
        stderr.print(text, highlight=False)

    try:
        done = asyncio.run(rebuild(folder.expanduser().resolve(), data.expanduser().resolve(), step=step))
    except (BadBackup, AlreadyRunning, NotReady) as wrong:
        raise fail(str(wrong)) from None
    answer(asdict(done), as_json=as_json, human=_told(done, data))


def _told(done: "Restored", data: Path) -> str:
    taken = done.taken_back
    items = f"{taken.get('revisions', 0)} versions of reports, {taken.get('context', 0)} published items"
    lines = [
        f"Restored as of {done.made_at}.",
        f"Taken back from the topics, without their texts: {items}.",
    ]
    if done.republished is not None:
        lines.append(f"Kafka's log was not there: {done.republished} stored versions are sent again.")
    if done.kept:
        lines.append(f"The database that was there is kept in {done.kept}; delete it when all is well.")
    return "\n".join([*lines, f"Start it: lagesbild up --data {data}"])
