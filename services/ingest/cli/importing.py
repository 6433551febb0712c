"""``lagesbild import polisen``: the public police event format, through the public API, with sums that add up.

Reading is resumable by nature: every line is answered by what is known, so a second run changes nothing. Only the
newest version of each item in the file is sent unless all are asked for; the others are counted as older.
"""

import asyncio
import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.ingest.cli.direct import local_address, with_door
from services.ingest.gateways.polisen import POLISEN_URL, fetch_events
from services.ingest.handlers.keys import Keys
from services.ingest.polisen import BadItem, read_item
from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail, stderr

BATCH = 500
PATIENCE = 60.0
"""Seconds to keep trying when the door does not answer."""
CATCH_UP = 300.0
"""Seconds to wait until what was sent has been placed and counted."""


@dataclass
class Summary:
    """What became of every line: read = new + newer + older + same + refused."""

    read: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    placed: dict[str, int] | None = None

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        counts = {name: self.outcomes[name] for name in ("new", "newer", "older", "same", "refused")}
        return {"read": self.read} | counts | {"placed": self.placed, "adds_up": self.read == sum(counts.values())}


def read_lines(source: str) -> Iterator[bytes]:
    """The items of a file (JSON array, JSON Lines, either gzipped) or of the publisher's address, one JSON each."""
    if source.startswith(("http://", "https://")):
        yield from _split(asyncio.run(_fetched(source)))
        return
    path = Path(source)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        first = file.read(1)
        file.seek(0)
        if first == b"[":
            yield from _split(file.read())
        else:
            yield from (line for line in file if line.strip())


async def _fetched(url: str) -> bytes:
    return b"".join([body async for body in fetch_events([url])])


def _split(body: bytes) -> Iterator[bytes]:
    for item in json.loads(body):
        yield json.dumps(item, ensure_ascii=False).encode()


def newest_only(lines: list[bytes]) -> tuple[list[tuple[int, bytes]], int]:
    """(line number, line) of each item's newest version, in the file's order, and how many older ones were left out.

    Lines that cannot be read are kept, so that the door refuses them with their reason.
    """
    now = datetime.now(UTC)
    newest: dict[str, tuple[datetime, int]] = {}
    unreadable: list[int] = []
    for number, line in enumerate(lines, start=1):
        try:
            item = read_item(json.loads(line), now)
        except (BadItem, ValueError):
            unreadable.append(number)
            continue
        known = newest.get(item.publisher_id)
        if known is None or item.seen >= known[0]:
            newest[item.publisher_id] = (item.seen, number)
    kept = sorted([number for _, number in newest.values()] + unreadable)
    return [(number, lines[number - 1]) for number in kept], len(lines) - len(kept)


async def send(lines: list[tuple[int, bytes]], summary: Summary, *, api: str, key: str, advance: Any) -> None:
    """Send in batches; try again for a minute when the door does not answer."""
    async with httpx.AsyncClient(
        base_url=api, timeout=60, trust_env=False, headers={"Authorization": f"Bearer {key}"}
    ) as http:
        for start in range(0, len(lines), BATCH):
            part = lines[start : start + BATCH]
            found = await _post(http, b"\n".join(line.strip() for _, line in part))
            for (number, _), entry in zip(part, found, strict=True):
                summary.outcomes[entry["outcome"]] += 1
                if entry["outcome"] == "refused":
                    summary.rejects.append({"line": number, "reason": entry["reason"]})
            advance(len(part))


async def _post(http: httpx.AsyncClient, body: bytes) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answered = await http.post("/v1/context:batch", content=body)
            if answered.is_success:
                return list(answered.json()["lines"])
            if answered.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                raise fail(f"The door refuses: {answered.status_code} {answered.json().get('title', '')}")
        except httpx.TransportError as error:
            if time.monotonic() > deadline:
                raise fail(f"The door does not answer ({type(error).__name__}). Run the import again later.") from None
        await asyncio.sleep(1)


async def placed(api: str, key: str) -> dict[str, int]:
    """Published items known to the picture: in a municipality, only in a county, nowhere, and their sum."""
    async with httpx.AsyncClient(base_url=api, timeout=30, trust_env=False) as http:
        token = (await http.post("/v1/token", headers={"Authorization": f"Bearer {key}"})).json()["access_token"]
        today = datetime.now(UTC).date()
        period = {"from": str(today - timedelta(days=3690)), "to": str(today + timedelta(days=2))}
        found = (await http.get("/v1/context", params=period, headers={"Authorization": f"Bearer {token}"})).json()
    return {name: int(found[name]) for name in ("kommun", "lan", "none", "total")}


async def _run(lines: list[tuple[int, bytes]], summary: Summary, *, api: str, key: str, progress: str) -> None:
    before = await placed(api, key)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, disable=progress == "json" or not stderr.is_terminal) as bar:
        task = bar.add_task("Sending", total=len(lines))

        def advance(count: int) -> None:
            bar.advance(task, count)
            if progress == "json":
                done = int(bar.tasks[0].completed)
                print(json.dumps({"done": done, "of": len(lines)}), file=sys.stderr)  # noqa: T201 - asked for

        await send(lines, summary, api=api, key=key, advance=advance)
    expected = before["total"] + summary.outcomes["new"]
    deadline = time.monotonic() + CATCH_UP
    summary.placed = await placed(api, key)
    while summary.placed["total"] < expected and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        summary.placed = await placed(api, key)


def polisen(
    source: Annotated[
        str, typer.Argument(help="File (JSON, JSON Lines, gzipped or not) or the publisher's address.")
    ] = POLISEN_URL,
    kommun: Annotated[
        str | None, typer.Option(help="On a local instance: make a key of this municipality's for the import.")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option("--key", envvar="LAGESBILD_KEY", help="Key with scope context:write.")
    ] = None,
    api: Annotated[str | None, typer.Option(envvar="LAGESBILD_API", help="Address of Lägesbild.")] = None,
    versions: Annotated[str, typer.Option(help="newest, or all in the file's order.")] = "newest",
    rejects: Annotated[Path | None, typer.Option(help="File for refused lines and their reasons.")] = None,
    progress: Annotated[str, typer.Option(help="auto, or json: one line per batch on stderr.")] = "auto",
    data: DataDir = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Import published events of polisen.se; repeat it as often as you like."""
    address = api or local_address(data)
    key = api_key or _own_key(data, kommun)
    try:
        lines = list(read_lines(source))
    except (OSError, ValueError, httpx.HTTPError) as error:
        raise fail(f"{source} cannot be read: {error}") from None
    summary = Summary(read=len(lines))
    chosen = list(enumerate(lines, start=1))
    if versions == "newest":
        chosen, left_out = newest_only(lines)
        summary.outcomes["older"] += left_out
    asyncio.run(_run(chosen, summary, api=address, key=key, progress=progress))
    if summary.rejects and rejects is not None:
        rejects.write_text("".join(json.dumps(r) + "\n" for r in summary.rejects))
    answer(summary.as_dict(), as_json=as_json, human=_sentences(summary, rejects))
    if summary.rejects:
        raise typer.Exit(3)


def _own_key(data: Path, kommun: str | None) -> str:
    if kommun is None:
        raise fail("Give --key, or on a local instance --kommun.", 2)
    made = with_door(
        data,
        None,
        lambda database: Keys(database).create(
            kommun,
            system="import polisen",
            organisation="Lägesbild",
            source="polis",
            scopes=["context:write"],
            instead=True,
        ),
    )
    return str(made[1])


def _sentences(summary: Summary, rejects: Path | None) -> str:
    found = summary.as_dict()
    parts = " + ".join(f"{name} {found[name]}" for name in ("new", "newer", "older", "same", "refused"))
    lines = [f"Read {found['read']} = {parts}"]
    if summary.placed is not None:
        p = summary.placed
        places = f"in a kommun {p['kommun']} + only in a län {p['lan']} + nowhere {p['none']}"
        lines.append(f"Published items now {p['total']} = {places}")
    reasons: Counter[str] = Counter(r["reason"] for r in summary.rejects)
    lines += [f"Refused, {reason}: {count}" for reason, count in sorted(reasons.items())]
    if summary.rejects and rejects is not None:
        lines.append(f"Refused lines and reasons: {rejects}")
    return "\n".join(lines)
