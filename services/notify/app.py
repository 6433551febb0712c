"""Composition root of notify."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from schemas.topics import ALERT_ANSWERED
from services.notify.api import alerts as alert_api
from services.notify.api import ends as ends_api
from services.notify.api import plan as plan_api
from services.notify.api import receipts, subscriptions
from services.notify.gateways.apprised import Apprised
from services.notify.gateways.channel import Channel
from services.notify.gateways.mail import Mail
from services.notify.gateways.mailbox import Mailbox
from services.notify.gateways.outside import Outside
from services.notify.gateways.posted import Ntfy, Teams, Webhooks
from services.notify.gateways.push import Push, Vapid
from services.notify.gateways.rooms import Directory, Picture, Places
from services.notify.gateways.sms import Sms
from services.notify.handlers.answering import Answering
from services.notify.handlers.bouncing import Bouncing
from services.notify.handlers.composing import Composing
from services.notify.handlers.digesting import Digesting
from services.notify.handlers.listening import Listening
from services.notify.handlers.planning import Planning
from services.notify.handlers.proving import Proving
from services.notify.handlers.pursuing import Pursuer
from services.notify.handlers.reaching import Reaching
from services.notify.handlers.retaining import Retaining
from services.notify.handlers.roster import Roll
from services.notify.handlers.routing import Router
from services.notify.handlers.sending import Sender
from services.notify.handlers.thanking import Thanker
from services.notify.settings import NotifySettings
from services.notify.store import subscriptions as store
from services.notify.subscribers import consumers
from services.notify.web import alerts, channels, ends, extracts, ledger, mine, rules
from services.runtime import read_log
from services.runtime.asking import OtherRoom, published_keys
from services.runtime.database import Database
from services.runtime.mail import SmtpLines, SmtpServer
from services.runtime.outbox import relaying
from services.runtime.room import Job, Room
from services.runtime.schedule import Schedule
from services.runtime.sealing import Sealer
from services.runtime.tokens import Verifier


def build(settings: NotifySettings | None = None, **overrides: Any) -> Room:
    """notify, wired."""
    chosen = settings or NotifySettings()
    database = Database(chosen.database_url.get_secret_value(), pool_size=chosen.pool_size)
    sealer, outside = Sealer(chosen.seal_secret.get_secret_value()), Outside(chosen.outside_allowed)
    parts: dict[str, Any] = {
        "name": "notify",
        "settings": chosen,
        "database": database,
        "verifier": Verifier(partial(published_keys, chosen.ingest_url)),
        "routers": [
            read_log.router,
            subscriptions.router,
            alert_api.router,
            plan_api.router,
            receipts.router,
            ends_api.router,
            mine.router,
            ends.router,
            ledger.router,
            rules.router,
            channels.router,
            extracts.router,
            alerts.router,
        ],
        "consumers": consumers(),
        "jobs": _jobs(chosen, database, outside, sealer),
        "state": {
            "database": database,
            "sealer": sealer,
            "sms": bool(chosen.sms_providers),
            "per_hour": chosen.messages_per_hour,
            "geo": OtherRoom("geo", chosen.geo_url),
            "door": OtherRoom("ingest", chosen.ingest_url),
            "analysis": OtherRoom("analysis", chosen.analysis_url),
            "answering": Answering(database),
            "planning": Planning(database, outside, sealer, apprise_schemes=chosen.apprise_schemes),
            "apprise": bool(chosen.apprise_schemes),
            "proving": Proving(database),
            "reaching": Reaching(database, Outside(chosen.push_allowed), sealer),
            # Without a secret nothing can be sealed, and the key would be anybody's: no notifications.
            "push_key": vapid_of(chosen).public if sealer.ready else "",
        },
        "title": "Lägesbild notify",
        "answers_others": "/utskick/av|/v1/receipts/sms",
    }
    return Room(**(parts | overrides))


def vapid_of(settings: NotifySettings) -> Vapid:
    """Who the instance is to push services."""
    return Vapid(settings.seal_secret.get_secret_value(), settings.public_url)


def channels_of(settings: NotifySettings, outside: Outside) -> dict[str, Channel]:
    """Every way out by its name."""
    lines = SmtpLines(SmtpServer(settings.smtp_host, settings.smtp_port, settings.smtp_starttls))
    every: list[Channel] = [
        Mail(lines, settings.mail_from),
        Sms(settings.sms_providers),
        Teams(outside),
        Webhooks(outside),
        Ntfy(outside),
        Push(Outside(settings.push_allowed), vapid_of(settings)),
        Apprised(settings.apprise_schemes),
    ]
    return {channel.name: channel for channel in every}


def _jobs(settings: NotifySettings, database: Database, outside: Outside, sealer: Sealer) -> list[Job]:
    secret, url = settings.service_secret.get_secret_value(), settings.ingest_url
    directory = Directory(url, secret)
    picture = Picture(url, settings.analysis_url, secret)
    places = Places(url, settings.geo_url, secret)
    composing = Composing(database, settings, directory=directory, places=places, picture=picture, sealer=sealer)
    roll = Roll(database, settings, directory, outside, sealer)
    routed, sent = asyncio.Event(), asyncio.Event()
    proving = Proving(database, sms=bool(settings.sms_providers))
    tasks = [Digesting(database, picture).task(), proving.task(), Retaining(database, directory).task()]
    return [
        Job("listening", Listening(database, settings, (routed, sent)).run),
        Job("roster", roll.run),
        Job("router", Router(database, settings, roll, routed).run),
        Job("sender", Sender(database, settings, channels_of(settings, outside), composing, wake=sent).run),
        Job("thanker", Thanker(database, settings, directory, picture).run),
        Job("bouncing", Bouncing(database, _mailbox(settings), settings.bounce_seconds).run),
        Job("proving", proving.watch),
        Job("pursuer", Pursuer(database, settings).run),
        Job("relay", partial(relaying, settings, "notify", ALERT_ANSWERED.max_bytes)),
        Job("schedule", Schedule(database, tasks, partial(_municipalities, database)).run),
    ]


def _mailbox(settings: NotifySettings) -> Mailbox | None:
    address = settings.bounce_imap.get_secret_value()
    return Mailbox.of(address) if address else None


async def _municipalities(database: Database) -> AsyncIterator[str]:
    """Whose agendas are written."""
    async with database.transaction() as connection:
        kommuner = await store.known(connection)
    for kommun in kommuner:
        yield kommun
