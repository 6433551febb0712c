"""Composition root of the door."""

from typing import Any

from services.ingest.api import access, batches, comparing, context, directory, oauth, photos, reports
from services.ingest.gateways.corridor import Corridor
from services.ingest.gateways.mail import Mailer
from services.ingest.gateways.objects import Objects
from services.ingest.gateways.openid import OpenIdProviders
from services.ingest.gateways.saml import SamlProviders
from services.ingest.handlers.appointing import Appointing
from services.ingest.handlers.batches import Batches
from services.ingest.handlers.context import Context
from services.ingest.handlers.federating import Federating
from services.ingest.handlers.inviting import Inviting
from services.ingest.handlers.keys import Keys
from services.ingest.handlers.organisations import Organisations
from services.ingest.handlers.passkeys import Passkeys
from services.ingest.handlers.people import People
from services.ingest.handlers.photos import Photos
from services.ingest.handlers.reports import Reports
from services.ingest.handlers.retaining import Retaining
from services.ingest.settings import IngestSettings
from services.ingest.web import (
    accessibility,
    administration,
    docs,
    federated,
    first,
    keys,
    login,
    organisations,
    pages,
    passkeys,
    phone,
    providers,
    reads,
    rules,
    texts,
)
from services.ingest.web import photos as photo_pages
from services.runtime import read_log
from services.runtime.database import Database
from services.runtime.outbox import Relay
from services.runtime.publisher import Publisher
from services.runtime.rates import Rate
from services.runtime.room import Job, Room
from services.runtime.sealing import Sealer
from services.runtime.tokens import Verifier

PARTS = (
    accessibility,
    read_log,
    reports,
    batches,
    context,
    access,
    directory,
    comparing,
    oauth,
    photos,
    photo_pages,
    texts,
    login,
    federated,
    providers,
    rules,
    pages,
    phone,
    docs,
    passkeys,
    administration,
    organisations,
    reads,
    keys,
    first,
)
"""Everything that answers at the door."""


def _use_cases(database: Database) -> dict[str, Any]:
    """What needs the database and nothing else."""
    return {
        "reports": Reports(database),
        "context": Context(database),
        "appointing": Appointing(database),
        "inviting": Inviting(database),
        "keys": Keys(database),
        "organisations": Organisations(database),
    }


DOOR_FRESH_SECONDS = 1.0
"""The door has its own database to ask whose tokens no longer hold."""


def _neighbours(chosen: IngestSettings) -> dict[str, Any]:
    """Whom the door asks and tells, and how often it may be asked."""
    return {
        "openid": OpenIdProviders(),
        "saml": SamlProviders(),
        "requests_rate": Rate(chosen.requests_per_minute, chosen.requests_per_day),
        "lines_rate": Rate(chosen.lines_per_minute, chosen.lines_per_day),
        "photos_rate": Rate(chosen.photos_per_minute),
        "upload_lines_rate": Rate(None, chosen.lines_per_day),
        "logins_rate": Rate(chosen.logins_per_minute),
        "corridor": Corridor(chosen.geo_url, chosen.analysis_url, chosen.notify_url, chosen.ingest_url),
        "problem_page": pages.trouble,
        "mailer": Mailer(chosen.smtp_host, chosen.smtp_port, chosen.smtp_starttls),
    }


def build(settings: IngestSettings | None = None, **overrides: Any) -> Room:
    """The door, wired. Its own keys verify its tokens without asking anybody."""
    chosen = settings or IngestSettings()
    url = chosen.database_url.get_secret_value()
    database = Database(url, pool_size=chosen.pool_size)
    people = People(database)
    sealer = Sealer(chosen.seal_secret.get_secret_value())
    uploads = Batches(database)
    kept = Photos(database, Objects(chosen) if chosen.photos else None)
    retaining = Retaining(database, kept)

    async def relay(publisher: Publisher) -> None:
        await Relay(
            database_url=url, kafka=chosen.kafka.get_secret_value(), publisher=publisher, batch=chosen.max_records
        ).run()

    async def handle_uploads(_publisher: Publisher) -> None:
        await uploads.work()

    jobs = {"relay": relay, "batches": handle_uploads, "photos": kept.sweeping, "gallring": retaining.run}
    parts: dict[str, Any] = {
        "name": "ingest",
        "settings": chosen,
        "database": database,
        "verifier": Verifier(people.public_keys, fresh_seconds=DOOR_FRESH_SECONDS),
        "routers": [part.router for part in PARTS],
        "jobs": [Job(name, run) for name, run in jobs.items()],
        "state": _use_cases(database)
        | _neighbours(chosen)
        | {
            "database": database,
            "settings": chosen,
            "people": people,
            "sealer": sealer,
            "passkeys": Passkeys(database, sealer, chosen.public_url),
            "federating": Federating(database, sealer),
            "batches": uploads,
            "photos": kept,
            "retaining": retaining,
        },
        "title": "Lägesbild ingest",
        "answers_others": federated.ANSWERS,
    }
    return Room(**(parts | overrides))
