"""``lagesbild backup`` and ``restore`` for an instance on this machine.

A backup is a folder: PostgreSQL's own base backup with the WAL that makes it whole, and the secrets. Kafka's data is
not in it: the topics are the pipe, and what they hold beyond the backup is taken back from them at the restore.
"""

import asyncio
import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.broker import accept, begin_again
from deploy.local import servers
from deploy.local.layout import Layout
from deploy.local.up import RESTORING, Step, port_of, refuse_if_running, running
from schemas.topics import CATALOGUE
from services.ingest.handlers.republishing import republish
from services.ingest.handlers.taking_back import take_back
from services.runtime.database import Database
from services.runtime.migrations import OWNER_ROLE, serve_role
from services.runtime.room import release

DATABASE, ABOUT, SECRETS, PHOTOS = "database", "backup.json", "secrets.json", "photos"


_NEW_BROKER = "the broker is new"


class BadBackup(Exception):
    """The folder is no backup, or not a whole one; the text says why."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. ``republished`` is None where the broker's log was still there."""

    made_at: str
    epochs: dict[str, int]
    taken_back: dict[str, int]
    republished: int | None
    kept: str


def _run(program: str, *arguments: str, **environment: str) -> None:
    """One of PostgreSQL's own programs; BadBackup with its last words when it fails."""
    done = subprocess.run(  # noqa: S603 - our own package's program
        [str(servers.postgres_bin() / program), *arguments],
        capture_output=True, text=True, env=os.environ | environment, cwd="/", check=False,
    )  # fmt: skip
    if done.returncode:
        raise BadBackup(f"{program}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'}")


def backup(layout: Layout, target: Path) -> dict[str, Any]:
    """Write a whole, verified backup of a running instance to the new folder ``target``; rooms go on meanwhile.

    The folder appears under its name only when it is whole. Readable by the owner only: it holds every secret.
    """
    if target.exists():
        raise BadBackup(f"{target} is there already")
    unfinished = target.with_name(target.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    password = layout.secrets.get("database_postgres", "")
    _run("pg_basebackup", "-D", str(unfinished / DATABASE), "-F", "tar", "-z", "-X", "stream", "-c", "fast",
         "-U", "postgres", "-h", str(layout.socket_dir), "--no-password", PGPASSWORD=password)  # fmt: skip
    shutil.copy2(layout.data / SECRETS, unfinished / SECRETS)
    # After the database: a photo that its copy names is there, or was taken away since.
    shutil.copytree(layout.data / PHOTOS, unfinished / PHOTOS)
    about = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "release": release(),
        "bytes": sum(f.stat().st_size for f in unfinished.rglob("*") if f.is_file()),
    }
    (unfinished / ABOUT).write_text(json.dumps(about, indent=1))
    verify(unfinished)
    unfinished.rename(target)
    return about


def verify(folder: Path) -> dict[str, Any]:
    """What the backup says of itself; BadBackup unless every file is there with the checksum of its manifest."""
    try:
        about: dict[str, Any] = json.loads((folder / ABOUT).read_text())
    except (OSError, ValueError):
        raise BadBackup(f"{folder} is not a backup: it has no {ABOUT}") from None
    if not (folder / SECRETS).exists():
        raise BadBackup(f"{folder} is not whole: {SECRETS} is missing")
    # WAL cannot be parsed inside a tar file; the recovery at the restore reads all of it.
    _run("pg_verifybackup", "--no-parse-wal", "--quiet", str(folder / DATABASE))
    return about


async def restore(folder: Path, data: Path, *, step: Step = lambda _text: None) -> Restored:
    """Make the instance in ``data`` (stopped) from a backup; what the topics hold beyond it is taken back.

    The database that was there is kept beside the new one. Without Kafka's data, all stored revisions are sent again.
    AlreadyRunning, BadBackup. Nothing is changed before the backup is verified.
    """
    refuse_if_running(data)
    step("Verifying the backup")
    about = await asyncio.to_thread(verify, folder)
    broken_off = data / RESTORING
    broker_is_new = not (data / "kafka" / "log" / "meta.properties").exists()
    broker_is_new |= broken_off.exists() and broken_off.read_text() == _NEW_BROKER
    step("Unpacking the database")
    kept = await asyncio.to_thread(_unpack, folder, data, broker_is_new=broker_is_new)
    layout = Layout.open(data, port_of(data))
    async with running(layout, rooms=False, step=step):
        step("Taking back what the topics hold beyond the backup")
        epochs = await begin_again(layout.dsn(OWNER_ROLE), layout.kafka)
        door = Database(layout.database_url(serve_role("ingest")), pool_size=1)
        try:
            taken = await take_back(door, layout.kafka)
            republished = None
            if broker_is_new:
                step("Sending every stored revision again")
                for consumer in (c for topic in CATALOGUE for c in topic.consumers):
                    await accept(layout.dsn(OWNER_ROLE), layout.kafka, consumer, "beginning")
                republished = sum((await republish(door, None, lambda _owner, _count: None)).values())
        finally:
            await door.close()
    broken_off.unlink()
    return Restored(about["made_at"], epochs, dict(taken), republished, kept)


def _unpack(folder: Path, data: Path, *, broker_is_new: bool) -> str:
    """Put the backup's database and secrets in place; returns where the database that was there is kept, or ''."""
    place, fresh = data / "postgres" / "data", data / "postgres" / "unpacking"
    data.mkdir(parents=True, mode=0o700, exist_ok=True)
    (data / RESTORING).write_text(_NEW_BROKER if broker_is_new else "")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True, mode=0o700)
    for name, into in (("base.tar.gz", fresh), ("pg_wal.tar.gz", fresh / "pg_wal")):
        with tarfile.open(folder / DATABASE / name) as packed:
            packed.extractall(into, filter="data")
    fresh.chmod(0o700)
    user = servers.server_user(fresh)
    if user is not None:
        for path in (fresh, *fresh.rglob("*")):
            shutil.chown(path, user, user)
    _merge_secrets(folder / SECRETS, data / SECRETS, broker_is_new=broker_is_new)
    _put_back_photos(folder / PHOTOS, data / PHOTOS)
    kept = ""
    if place.exists():
        aside = place.with_name(f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}")
        place.rename(aside)
        kept = str(aside)
    fresh.rename(place)
    return kept


def _put_back_photos(theirs: Path, ours: Path) -> None:
    """The backup's photos that are not here. What is here stays: an emptied one was taken away, and stays away."""
    for path in sorted(theirs.rglob("*.jpg")) if theirs.exists() else ():
        place = ours / path.relative_to(theirs)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)


def _merge_secrets(theirs: Path, ours: Path, *, broker_is_new: bool) -> None:
    """The backup's secrets, with the broker's own ones as they are in ``ours``; a new broker gets a new identity."""
    secrets: dict[str, str] = json.loads(theirs.read_text())
    if broker_is_new:
        secrets["cluster_id"] = Layout.new_cluster_id()
    elif ours.exists():
        current: dict[str, str] = json.loads(ours.read_text())
        secrets = {n: s for n, s in secrets.items() if not _of_broker(n)}
        secrets |= {n: s for n, s in current.items() if _of_broker(n)}
    ours.unlink(missing_ok=True)
    with os.fdopen(os.open(ours, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(secrets, file, indent=1)


def _of_broker(name: str) -> bool:
    return name == "cluster_id" or name.startswith("kafka_")
