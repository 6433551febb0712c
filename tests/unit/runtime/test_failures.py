"""What nobody foresaw is answered, counted and marked like every other answer, and says whether to come back."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import ClientDisconnect

from services.runtime.database import Database
from services.runtime.errors import is_outage
from services.runtime.http import create_app
from services.runtime.room import Room
from services.runtime.settings import RoomSettings
from services.runtime.tokens import Verifier

URL = "postgresql+asyncpg://nobody@127.0.0.1:1/none"
RAISED: dict[str, Exception] = {
    "bug": ValueError("text that somebody wrote"),
    "away": ConnectionRefusedError("127.0.0.1"),
    "pool": PoolTimeout("no connection"),
    "gone": ClientDisconnect(),
}


class Said(Exception):
    """As the driver raises: with the server's state."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.fixture
async def app() -> AsyncIterator[FastAPI]:
    router = APIRouter()

    @router.get("/fails/{how}")
    async def fails(how: str) -> None:
        raise RAISED[how]

    async def no_keys() -> dict[str, object]:
        return {}

    settings = RoomSettings(database_url=SecretStr(URL), kafka=SecretStr("plain://127.0.0.1:1"))
    database = Database(URL, pool_size=1)
    yield create_app(Room("ingest", settings, database, Verifier(no_keys), routers=[router]))
    await database.close()


def observed(status: int) -> float:
    labels = {"method": "GET", "route": "/fails/{how}", "status": str(status)}
    return REGISTRY.get_sample_value("est_http_request_seconds_count", labels) or 0.0


@pytest.mark.parametrize(
    ("how", "status", "kind"),
    [
        ("bug", 500, "internal"),
        ("away", 503, "unavailable"),
        ("pool", 503, "unavailable"),
        ("gone", 400, "bad-request"),
    ],
)
async def test_a_failure_is_an_answer_like_any_other(app: FastAPI, how: str, status: int, kind: str) -> None:
    before = observed(status)
    transport = httpx.ASGITransport(app=app)  # would raise what the app lets through
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        answer = await http.get(f"/fails/{how}", headers={"X-Correlation-Id": "abcdefgh-1"})
    assert answer.status_code == status
    assert answer.json()["type"].endswith(kind)
    assert "somebody" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-correlation-id"] == "abcdefgh-1"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers.get("retry-after") == ("5" if status == 503 else None)
    assert observed(status) == before + 1


async def test_a_page_that_needs_what_is_broken_is_answered_as_to_a_program(app: FastAPI) -> None:
    async def page(_request: object, _problem: object) -> None:
        raise ConnectionRefusedError

    app.state.problem_page = page
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as http:
        answer = await http.get("/fails/away", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["status"]) == (503, 503)


@pytest.mark.parametrize(
    ("state", "away"), [("08006", True), ("57P01", True), ("53300", True), ("42501", False), ("23505", False)]
)
def test_an_outage_is_told_from_our_own_mistake(state: str, away: bool) -> None:
    assert is_outage(DBAPIError("select 1", {}, Said(state))) is away
