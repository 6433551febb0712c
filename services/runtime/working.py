"""The working process of a room: consumers, relay, standing jobs, and a small server for health and metrics."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from faststream.kafka import KafkaBroker
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schemas.topics import topics_to_create
from services.runtime import metrics, read_log, tracing
from services.runtime.boundary import Boundary
from services.runtime.collecting import collect_rarely
from services.runtime.consumers import Subscription, build_broker
from services.runtime.errors import MustStop, is_transient
from services.runtime.halt import EXIT_CODE, Halt
from services.runtime.logs import configure, logger
from services.runtime.patience import Policy
from services.runtime.publisher import Publisher
from services.runtime.room import Job, Room
from services.runtime.serving import server_of
from services.runtime.waiting import ended

CALM = 60.0
"""A job that went this long without a failure meets a new one, not the old one again. Seconds."""
_log = logger(__name__)


def work(room: Room) -> int:
    """Run consumers and jobs until SIGTERM or a halt; 70 after a halt, 3 when it could not start."""
    configure(room.settings.log_level, room.name, "work")
    tracing.configure(room.settings.otlp_endpoint, room.settings.otlp_ratio, room.name, "work")
    plant = Plant(room)
    collect_rarely()
    server = server_of(plant.app(), room.settings)

    def end() -> None:
        server.should_exit = True

    plant.halt.on_halt(end)
    server.run()
    tracing.close()
    if plant.halt.reason is not None:
        return EXIT_CODE
    return 0 if server.started else 3


class Plant:
    """A room's working process: one publisher, one broker, its subscriptions and its jobs."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.halt = Halt()
        settings = room.settings
        largest = max(topic.max_bytes for topic in topics_to_create())
        self.publisher = Publisher(
            settings.kafka.get_secret_value(), max_request_size=largest, client_id=f"lagesbild-{room.name}"
        )
        self.broker: KafkaBroker = build_broker(room.name, settings)
        self._policy = Policy(
            retry_budget=settings.retry_budget,
            dead_letter_limit=settings.dead_letter_limit,
            dead_letter_window=settings.dead_letter_window,
        )
        self.subscriptions = [
            Subscription(
                self.broker,
                Boundary(c, database=room.database, publisher=self.publisher, halt=self.halt, policy=self._policy),
                settings,
            )
            for c in room.consumers
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._started = False
        metrics.READY.labels(room.name).set_function(lambda: float(not self.trouble()))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start everything, and on the way out stop reading, drain the batch in flight, and let go."""
        beginning = asyncio.create_task(self._begin(), name="start")
        try:
            yield
        finally:
            for subscription in self.subscriptions:
                subscription.boundary.interrupt.set()
            await ended([beginning])  # first: it may be about to begin the others
            await ended(self._tasks)
            if self.subscriptions:
                await self.broker.stop()
                await asyncio.gather(*(s.boundary.lanes.idle() for s in self.subscriptions))
            await self.publisher.stop()
            await self.room.database.close()

    async def _begin(self) -> None:
        """What must come first, then consumers and jobs. It may take long, so the process answers meanwhile."""
        try:
            if self.room.before_work is not None:
                await self.room.before_work()
            if self.subscriptions:
                await self.publisher.start()
                await self.broker.start()
        except Exception as error:
            detail = f": {error}" if isinstance(error, MustStop) else ""
            raise self.halt.now(f"{self.room.name} could not start: {type(error).__name__}{detail}") from error
        jobs = [*self.room.jobs, Job("read log", read_log.watching(self.room.database))]
        self._tasks = [asyncio.create_task(self._run(job), name=job.name) for job in jobs]
        self._tasks += [
            asyncio.create_task(s.watch(), name=f"{s.boundary.consumer.name} watch") for s in self.subscriptions
        ]
        self._started = True

    async def _run(self, job: Job) -> None:
        """Keep a standing job going: through an outage with pauses, and until anything else ends the process."""
        delays, began = self._policy.delays(), time.monotonic()
        while True:
            try:
                return await job.run(self.publisher)
            except Exception as error:
                if not is_transient(error):
                    _log.exception("job failed", job=job.name)
                    raise self.halt.now(f"{job.name}: {type(error).__name__}") from error
                if time.monotonic() - began > CALM:  # another outage, not the same one
                    delays = self._policy.delays()
                delay = next(delays)
                _log.warning("job waits", job=job.name, error=type(error).__name__, delay=round(delay, 2))
                await asyncio.sleep(delay)
                began = time.monotonic()

    def trouble(self) -> list[str]:
        """Everything that is not well with this process."""
        found = [self.halt.reason] if self.halt.reason else []
        if not self._started:
            return [*found, "starting"]
        limit = self.room.settings.max_poll_interval_ms / 1000
        found += [t for s in self.subscriptions if (t := s.trouble(limit)) is not None]
        found += [f"job {t.get_name()} has ended" for t in self._tasks if t.done()]
        return found

    def app(self) -> FastAPI:
        """The working process' own small server: health by progress, and metrics."""

        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
            async with self.running():
                yield

        app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

        @app.get("/healthz")
        async def alive() -> PlainTextResponse:
            return PlainTextResponse("ok")

        @app.get("/readyz")
        async def ready() -> JSONResponse:
            trouble = self.trouble()
            return JSONResponse(
                {"room": self.room.name, "ready": not trouble, "trouble": trouble}, 503 if trouble else 200
            )

        @app.get("/metrics")
        async def prometheus() -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        return app
