"""Where photos lie: a folder, or anything that speaks S3. Never a database, never Kafka.

An object that must go is replaced by an empty one: so a backup that is put back does not bring it back.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from services.ingest.settings import IngestSettings


class Missing(Exception):
    """There is no such object, or it was emptied."""


class StoreAway(Exception):
    """The store does not answer, or refuses; the text names the kind of error, nothing of what was sent."""


class Objects:
    """Objects by their keys, ``municipality/name``. Every method may raise StoreAway."""

    def __init__(self, settings: IngestSettings) -> None:
        parts = urlsplit(settings.photos)
        self._folder: Path | None = None
        if parts.scheme == "s3":
            self._store: S3Store | LocalStore = S3Store(
                parts.netloc,
                prefix=parts.path.strip("/") or None,
                endpoint=settings.s3_endpoint or None,
                region=settings.s3_region,
                access_key_id=settings.s3_key_id,
                secret_access_key=settings.s3_secret.get_secret_value(),
                virtual_hosted_style_request=not settings.s3_endpoint,
                # Inside a machine or a cluster; what is reached by https stays so.
                client_options={"allow_http": settings.s3_endpoint.startswith("http://"), "timeout": "20 seconds"},
                retry_config={"max_retries": 2},
            )
        else:
            self._folder = Path(settings.photos).expanduser()
            self._store = LocalStore(str(self._folder), mkdir=True)

    async def put(self, key: str, data: bytes) -> None:
        """Write an object, in place of one with the same key."""
        try:
            if self._folder is not None:
                await asyncio.to_thread(_write, self._folder / key, data)
            else:
                await obstore.put_async(self._store, key, data)
        except (BaseError, OSError) as error:
            raise StoreAway(type(error).__name__) from error

    async def get(self, key: str) -> bytes:
        """An object's content. Missing."""
        try:
            found = bytes(await (await obstore.get_async(self._store, key)).bytes_async())
        except FileNotFoundError:
            raise Missing(key) from None
        except (BaseError, OSError) as error:
            raise StoreAway(type(error).__name__) from error
        if not found:
            raise Missing(key)
        return found

    async def empty(self, key: str) -> None:
        """Take an object's content away for good."""
        await self.put(key, b"")

    async def written(self, prefix: str) -> AsyncIterator[tuple[str, datetime]]:
        """(key, when it was written) of every object under a prefix that is not empty."""
        try:
            async for chunk in obstore.list(self._store, prefix=prefix):
                for found in chunk:
                    if found["size"]:
                        yield found["path"], found["last_modified"]
        except (BaseError, OSError) as error:
            raise StoreAway(type(error).__name__) from error


def _write(path: Path, data: bytes) -> None:
    """On the disk, not only in its cache, before anybody is told: the phone forgets its own copy then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
