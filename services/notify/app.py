"""Composition root of notify."""

from functools import partial
from typing import Any

from services.notify import api
from services.notify.gateways import Directory, Places
from services.notify.handlers import Alerts, Sender
from services.notify.settings import NotifySettings
from services.notify.subscribers import consumers
from services.notify.web import pages
from services.runtime import read_log
from services.runtime.asking import OtherRoom, published_keys
from services.runtime.database import Database
from services.runtime.mail import SmtpServer
from services.runtime.room import Job, Room
from services.runtime.tokens import Verifier


def build(settings: NotifySettings | None = None, **overrides: Any) -> Room:
    """notify, wired."""
    chosen = settings or NotifySettings()
    database = Database(chosen.database_url.get_secret_value(), pool_size=chosen.pool_size)
    secret = chosen.service_secret.get_secret_value()
    sender = Sender(
        database,
        chosen,
        SmtpServer(chosen.smtp_host, chosen.smtp_port, chosen.smtp_starttls),
        Directory(chosen.ingest_url, secret),
        Places(chosen.ingest_url, chosen.geo_url, secret),
    )
    parts: dict[str, Any] = {
        "name": "notify",
        "settings": chosen,
        "database": database,
        "verifier": Verifier(partial(published_keys, chosen.ingest_url)),
        "routers": [read_log.router, api.router, pages.router],
        "consumers": consumers(Alerts(chosen)),
        "jobs": [Job("sender", sender.run)],
        "state": {"database": database, "geo": OtherRoom("geo", chosen.geo_url)},
        "title": "Lägesbild notify",
    }
    return Room(**(parts | overrides))
