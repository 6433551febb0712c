"""What runs, how far each consumer has come, what lies aside, what waits: for ``lagesbild status``."""

import asyncio
from typing import Any

import httpx
from aiokafka.errors import KafkaError
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from schemas.topics import CATALOGUE
from services.runtime.log_facts import LogEnds, log_ends
from services.runtime.migrations import ROOMS

VIEWS = {
    "ingest": ("reports",),
    "geo": ("placements", "context_placements"),
    "analysis": (
        "facts",
        "cube",
        "rhythm",
        "cells",
        "states",
        "sources",
        "lateness",
        "activity",
        "context_facts",
        "context_days",
    ),
    "notify": ("deliveries",),
}
KAFKA_SECONDS = 5.0


async def collect(*, status_url: str, kafka: str, urls: dict[str, str]) -> dict[str, Any]:
    """The whole status. What cannot be asked is null, with the reason under ``trouble``."""
    trouble: list[str] = []
    rooms, ends, stored = await asyncio.gather(
        asyncio.gather(*(_room(name, url) for name, url in urls.items())),
        _ends(kafka, trouble),
        _stored(status_url, trouble),
    )
    trouble += [f"{r['room']} {r['process']}: {t}" for r in rooms for t in r["trouble"]]
    return {
        "rooms": list(rooms),
        "consumers": [_consumer(row, ends) for row in stored["positions"]],
        "dead_letters": stored["dead_letters"],
        "outbox": stored["outbox"],
        "views": stored["views"],
        "trouble": trouble,
    }


async def _room(name: str, url: str) -> dict[str, Any]:
    room, _, process = name.partition(" ")
    try:
        async with httpx.AsyncClient(timeout=3, trust_env=False) as client:
            answer = (await client.get(f"{url}/readyz")).json()
    except (httpx.HTTPError, ValueError) as error:
        return {
            "room": room,
            "process": process,
            "ready": False,
            "trouble": [f"does not answer ({type(error).__name__})"],
        }
    said = answer.get("trouble") or []
    return {
        "room": room,
        "process": process,
        "ready": bool(answer.get("ready")),
        "trouble": [said] if isinstance(said, str) else list(said),
    }


async def _ends(kafka: str, trouble: list[str]) -> dict[tuple[str, int], LogEnds]:
    topics = {t.name: t.partitions for t in CATALOGUE if t.consumers}
    try:
        async with asyncio.timeout(KAFKA_SECONDS):
            return await log_ends(kafka, topics)
    except (KafkaError, TimeoutError, OSError) as error:
        trouble.append(f"Kafka does not answer ({type(error).__name__}): lag is unknown")
        return {}


def _consumer(row: dict[str, Any], ends: dict[tuple[str, int], LogEnds]) -> dict[str, Any]:
    end = ends.get((row["topic"], row["partition"]))
    return row | {
        "end": end.end if end is not None else None,
        "lag": end.end - row["position"] if end is not None else None,
    }


async def _stored(url: str, trouble: list[str]) -> dict[str, Any]:
    """Positions, dead letters not put back, outbox depth and rows per view, as the role that may count and no more."""
    found: dict[str, Any] = {"positions": [], "dead_letters": {}, "outbox": {}, "views": {}}
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            for room in ROOMS:
                await _ask(connection, room, found)
    except (OperationalError, InterfaceError, OSError) as error:
        trouble.append(f"PostgreSQL does not answer ({type(error).__name__})")
    except SQLAlchemyError as error:
        cause = getattr(getattr(error, "orig", None), "__cause__", None)
        trouble.append(f"PostgreSQL answers, but not everything can be read: {cause or type(error).__name__}")
    finally:
        await engine.dispose()
    return found


async def _ask(connection: AsyncConnection, room: str, found: dict[str, Any]) -> None:
    rows = await connection.execute(
        text(f"select consumer, topic, partition, next_offset from {room}.positions order by 1, 2, 3")  # noqa: S608 - a constant
    )
    found["positions"] += [
        {"consumer": r.consumer, "topic": r.topic, "partition": r.partition, "position": r.next_offset} for r in rows
    ]
    for r in await connection.execute(
        text(f"select consumer, count(*) as letters from {room}.dead_letters where redriven_at is null group by 1")  # noqa: S608 - a constant
    ):
        found["dead_letters"][r.consumer] = r.letters
    found["outbox"][room] = await connection.scalar(
        text(f"select count(id) from {room}.outbox where sent_at is null")  # noqa: S608 - a constant
    )
    for view in VIEWS[room]:
        found["views"][f"{room}.{view}"] = await connection.scalar(
            text(f"select count(kommun) from {room}.{view}")  # noqa: S608 - a constant
        )
