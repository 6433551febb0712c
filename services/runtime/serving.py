"""The serving process of a room: HTTP, which needs only the database. It imports nothing of FastStream's."""

import uvicorn
from starlette.types import ASGIApp

from services.runtime import tracing
from services.runtime.collecting import collect_rarely
from services.runtime.http import TooLarge, create_app
from services.runtime.logs import configure
from services.runtime.room import Room
from services.runtime.settings import RoomSettings


class Server(uvicorn.Server):
    """A server that says when it was told to stop, so that streams without an end can end."""

    @property
    def stopping(self) -> bool:
        """Whether SIGTERM has come."""
        return bool(self.should_exit)


def server_of(app: ASGIApp, settings: RoomSettings) -> Server:
    """A uvicorn server with the room's address, our logging and a drain before it stops."""
    return Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            timeout_graceful_shutdown=int(settings.graceful_timeout),
        )
    )


def serve(room: Room) -> int:
    """Run the HTTP side until SIGTERM; returns the exit code."""
    configure(room.settings.log_level, room.name, "serve")
    tracing.configure(room.settings.otlp_endpoint, room.settings.otlp_ratio, room.name, "serve")
    app = create_app(room)
    server = server_of(TooLarge(app), room.settings)
    app.state.stopping = lambda: server.stopping
    collect_rarely()
    server.run()
    tracing.close()
    return 0 if server.started else 3
