"""Reaching the door without logging in: its database for the first things, its address on a local instance."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from services.ingest.handlers.people import People
from services.runtime.database import Database
from services.runtime.terminal import fail

T = TypeVar("T")


def with_people(data: Path, url: str | None, use: Callable[[People], Awaitable[T]]) -> T:
    """Use the door's people directly: for the first things, before anybody can log in."""
    return with_door(data, url, lambda database: use(People(database)))


def with_door(data: Path, url: str | None, use: Callable[[Database], Awaitable[T]]) -> T:
    """Use the door's database directly, as its serving role."""
    chosen = url or _local_door(data)

    async def run() -> T:
        database = Database(chosen, pool_size=1)
        try:
            return await use(database)
        finally:
            await database.close()

    return asyncio.run(run())


def _local_door(data: Path) -> str:
    """The database of the local instance; only a machine with the local run's packages has one."""
    from deploy.local.up import read_instance

    instance = read_instance(data)
    if instance is None:
        raise fail(f"No database: start an instance (lagesbild up --data {data}) or give --database-url.")
    return instance.door_url


def local_seal(data: Path) -> str:
    """What the local instance seals by; empty when there is none."""
    from deploy.local.layout import Layout

    return Layout.of(data).secrets["seal"] if data.expanduser().exists() else ""


def local_kafka(data: Path) -> str:
    """The operator's address of the local broker."""
    from deploy.local.up import read_instance

    instance = read_instance(data)
    if instance is None:
        raise fail(f"Where is Kafka? Give --kafka, or start an instance in {data}.")
    return instance.kafka


def local_address(data: Path) -> str:
    """The address of the local instance; says what to do when there is none."""
    from deploy.local.up import read_instance

    instance = read_instance(data)
    if instance is None:
        raise fail(f"Where is Lägesbild? Give --api, or start an instance in {data}.")
    return instance.public_url
