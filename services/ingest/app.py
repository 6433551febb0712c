"""Composition root of the door."""

from typing import Any

from services.ingest.api import access, batches, context, reports
from services.ingest.gateways import Corridor, Mailer
from services.ingest.handlers.batches import Batches
from services.ingest.handlers.context import Context
from services.ingest.handlers.people import People
from services.ingest.handlers.reports import Reports
from services.ingest.settings import IngestSettings
from services.ingest.web import docs, login, pages, phone
from services.runtime.database import Database
from services.runtime.outbox import Relay
from services.runtime.publisher import Publisher
from services.runtime.rates import Rate
from services.runtime.room import Job, Room
from services.runtime.tokens import Verifier


def build(settings: IngestSettings | None = None, **overrides: Any) -> Room:
    """The door, wired. Its own keys verify its tokens without asking anybody."""
    chosen = settings or IngestSettings()
    url = chosen.database_url.get_secret_value()
    database = Database(url, pool_size=chosen.pool_size)
    people = People(database)

    async def relay(publisher: Publisher) -> None:
        await Relay(
            database_url=url, kafka=chosen.kafka.get_secret_value(), publisher=publisher, batch=chosen.max_records
        ).run()

    uploads = Batches(database)

    async def handle_uploads(_publisher: Publisher) -> None:
        await uploads.work()

    parts: dict[str, Any] = {
        "name": "ingest",
        "settings": chosen,
        "database": database,
        "verifier": Verifier(people.public_keys),
        "routers": [
            reports.router,
            batches.router,
            context.router,
            access.router,
            login.router,
            pages.router,
            phone.router,
            docs.router,
        ],
        "jobs": [Job("relay", relay), Job("batches", handle_uploads)],
        "state": {
            "database": database,
            "settings": chosen,
            "people": people,
            "reports": Reports(database),
            "batches": uploads,
            "requests_rate": Rate(chosen.requests_per_minute),
            "lines_rate": Rate(chosen.lines_per_minute),
            "logins_rate": Rate(chosen.logins_per_minute),
            "context": Context(database),
            "corridor": Corridor(chosen.geo_url, chosen.analysis_url),
            "not_found_page": pages.nowhere,
            "mailer": Mailer(chosen.smtp_host, chosen.smtp_port, chosen.smtp_starttls),
        },
        "title": "Lägesbild ingest",
    }
    return Room(**(parts | overrides))
