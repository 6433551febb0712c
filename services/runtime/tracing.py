"""One trace from the request to the mail, for a collector that speaks OTLP over HTTP. Off unless an address is set.

No header of its own travels: the correlation id is already on every hop, and trace and root span are derived from it.
So a report that waited in the outbox, or was put back from the dead letters, is still in the trace of its request.
Steps are recorded when they are done; nothing is imported, and nothing costs anything, while it is off. Ids and
names only: never text, never a person.
"""

import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal
from uuid import UUID

Attributes = Mapping[str, str | int]
Kind = Literal["SERVER", "PRODUCER", "CONSUMER", "CLIENT"]

_own_ids: ContextVar[tuple[int, int] | None] = ContextVar("own_ids", default=None)


@dataclass(frozen=True, slots=True)
class _Tracing:
    """The SDK, wired."""

    tracer: Any
    provider: Any


_tracing: _Tracing | None = None


def ids(correlation: str) -> tuple[int, int]:
    """(trace id, root span id) of a correlation id; the trace id of a UUID is the UUID itself."""
    try:
        trace = UUID(correlation).int
    except ValueError:
        trace = int.from_bytes(blake2b(correlation.encode(), digest_size=16).digest())
    return trace or 1, int.from_bytes(blake2b(correlation.encode(), digest_size=8, person=b"root").digest()) or 1


def configure(endpoint: str, ratio: float, room: str, process: str) -> None:
    """Send spans to the collector at ``endpoint`` (…/v1/traces); ``ratio`` of the traces, the same in every room."""
    global _tracing  # noqa: PLW0603 - as logging: one per process, set where the process begins
    if not endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

    class Derived(RandomIdGenerator):
        """Random, but for the span that begins a trace."""

        def generate_trace_id(self) -> int:
            own = _own_ids.get()
            return super().generate_trace_id() if own is None else own[0]

        def generate_span_id(self) -> int:
            own = _own_ids.get()
            return super().generate_span_id() if own is None else own[1]

    resource = Resource.create(
        {
            "service.namespace": "lagesbild",
            "service.name": f"{room}-{process}",
            "service.instance.id": str(time.time_ns()),
        }
    )
    provider = TracerProvider(sampler=TraceIdRatioBased(ratio), id_generator=Derived(), resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    _tracing = _Tracing(provider.get_tracer("lagesbild"), provider)


def begun() -> int:
    """The moment to hand to ``record`` as the beginning of a step."""
    return time.time_ns()


def request(name: str, correlation: str, since: int, *, failed: bool, attributes: Attributes) -> None:
    """Record the request that began a trace."""
    if _tracing is None:
        return
    from opentelemetry.context import Context

    token = _own_ids.set(ids(correlation))
    try:
        span = _tracing.tracer.start_span(name, Context(), _kind("SERVER"), attributes, start_time=since)
    finally:
        _own_ids.reset(token)
    _end(span, failed=failed)


def record(
    name: str,
    kind: Kind,
    correlations: Iterable[str],
    since: int,
    *,
    failed: bool = False,
    attributes: Attributes | None = None,
) -> None:
    """Record one step in the trace of each of these correlation ids: it began at ``since`` and ends now."""
    if _tracing is None:
        return
    from opentelemetry import trace

    for correlation in correlations:
        trace_id, root = ids(correlation)
        parent = trace.SpanContext(
            trace_id, root, is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED)
        )
        context = trace.set_span_in_context(trace.NonRecordingSpan(parent))
        span = _tracing.tracer.start_span(name, context, _kind(kind), attributes, start_time=since)
        _end(span, failed=failed)


def close() -> None:
    """Hand over what is left, at the end of the process."""
    if _tracing is not None:
        _tracing.provider.shutdown()


def _kind(kind: Kind) -> Any:
    from opentelemetry.trace import SpanKind

    return SpanKind[kind]


def _end(span: Any, *, failed: bool) -> None:
    if failed:
        from opentelemetry.trace import Status, StatusCode

        span.set_status(Status(StatusCode.ERROR))
    span.end()
