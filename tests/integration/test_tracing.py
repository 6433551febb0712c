"""One trace from the request to the mail, at a collector that speaks OTLP over HTTP."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.runtime import tracing
from services.runtime.migrations import ROOMS
from tests.support.http import asking
from tests.support.instance import Instance, eventually, follower, reports

TEXT = "Ett ord som inte får stå i ett spår"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Its address, and (service, span) of everything it has been given."""
    got: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
            for part in sent.resource_spans:
                named = {a.key: a.value.string_value for a in part.resource.attributes}
                got.extend((named["service.name"], span) for scope in part.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", got
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_report_is_one_trace_from_the_request_to_the_mail(
    instance: Instance, kommun: str, collector: tuple[str, list[tuple[str, Any]]]
) -> None:
    address, got = collector
    tenant = await instance.tenant(kommun)
    await follower(tenant, min_severity=4)
    processes = [("ingest", "serve"), *((room, "work") for room in ROOMS)]
    extra = {"LAGESBILD_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    await asyncio.gather(*(instance.restart_with(room, process, extra) for room, process in processes))
    try:
        correlation = str(uuid4())
        headers = tenant.headers | {"X-Correlation-Id": correlation}
        (report,) = reports(1, "trace", severity=4, text=TEXT)
        async with asking(instance.url) as http:
            assert (await http.post("/v1/reports", json=report, headers=headers)).status_code == 201
        trace, root = (number.to_bytes(size) for number, size in zip(tracing.ids(correlation), (16, 8), strict=True))
        wanted = {
            ("ingest-serve", "POST /v1/reports"),
            ("ingest-work", "publish"),
            ("geo-work", "process report-received"),
            ("analysis-work", "process report-located"),
            ("notify-work", "process report-located"),
            ("notify-work", "send mail"),
        }

        async def whole() -> bool:
            return wanted <= {(service, span.name) for service, span in got if span.trace_id == trace}

        await eventually(whole, "every step in one trace")
        own = [span for _, span in got if span.trace_id == trace]
        (first,) = [span for span in own if span.span_id == root]
        assert first.name == "POST /v1/reports"
        assert {span.parent_span_id for span in own} == {b"", root}
        assert all(first.start_time_unix_nano <= span.start_time_unix_nano < span.end_time_unix_nano for span in own)
        assert TEXT not in str(got)
        assert "exempel.invalid" not in str(got)
    finally:
        await asyncio.gather(*(instance.restart_with(room, process, {}) for room, process in processes))
