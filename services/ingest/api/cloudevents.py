"""CloudEvents over HTTP: a report may come as plain JSON, or wrapped in an event (structured mode).

A wrapped one is unwrapped before anything else reads it: ``data`` is the report, ``subject`` its id if it has none.
In binary mode the report is the body and the ``ce-`` headers change nothing.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.runtime.problems import Problem

STRUCTURED = "application/cloudevents+json"
TYPE = "se.lagesbild.report"
"""What an event about a report is called; a version after it (``.v1``) is allowed."""

Receive = Callable[[], Coroutine[Any, Any, dict[str, Any]]]


def unwrap(event: Any) -> dict[str, Any]:
    """The report in a structured event; raises Problem 400 that names the attribute which is wrong."""
    wrong = None
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        wrong = "specversion must be 1.0"
    elif str(event.get("type", "")).removesuffix(".v1") != TYPE:
        wrong = f"type must be {TYPE}.v1"
    elif not event.get("id") or not event.get("source"):
        wrong = "id and source are required"
    elif not isinstance(event.get("data"), dict):
        wrong = "data must be the report as a JSON object"
    if wrong is not None:
        raise Problem(400, "bad-event", "Händelsen går inte att läsa.", f"CloudEvents: {wrong}.")
    report = dict(event["data"])
    if "id" not in report and isinstance(event.get("subject"), str):
        report["id"] = event["subject"]
    return report


class EventRoute(APIRoute):
    """A route whose JSON body may also be a structured CloudEvent."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, given an unwrapped request."""
        plain = super().get_route_handler()

        async def handler(request: Request) -> Response:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != STRUCTURED:
                return await plain(request)
            try:
                event = json.loads(await request.body())
            except ValueError:
                raise Problem(400, "bad-event", "Händelsen går inte att läsa.", "The body is not JSON.") from None
            body = json.dumps(unwrap(event)).encode()
            headers = [(k, v) for k, v in request.scope["headers"] if k not in {b"content-type", b"content-length"}]
            scope = dict(request.scope) | {"headers": [*headers, (b"content-type", b"application/json")]}

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": body, "more_body": False}

            return await plain(Request(scope, receive))

        return handler
