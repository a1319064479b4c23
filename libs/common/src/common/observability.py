"""Logs, traces and metrics of one process, without personal data.

A log line is one JSON object. Values under personal keys never appear; what looks like a telephone or identity number
inside other values is masked; of an exception only its kind and its place are told, because messages quote data.
"""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TextIO

import structlog
from opentelemetry import context as trace_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PERSONAL_KEYS: Final = frozenset(
    {
        "name", "phone", "mobile", "telephone", "email", "mail", "address", "statement", "original", "requester",
        "caller", "contact", "identity", "id_card", "plate", "body", "input", "text", "content", "params", "parameters",
        "authorization", "token", "password", "cookie", "key_material",
    }
)  # fmt: skip
_HIDDEN: Final = "[已隐去]"
_LONGEST_VALUE: Final = 2000
_NUMBER: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"(?:\+?86[ \-]?)?1[3-9][0-9][ \-]?[0-9]{4}[ \-]?[0-9]{4}"  # mobile
    r"|0[0-9]{2,3}-[0-9]{7,8}"  # land line
    r"|[1-9][0-9]{5}(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9][0-9]{3}[0-9Xx]"  # identity number
    r")(?![0-9A-Za-z])"
)
_MAIL: Final = re.compile(r"(?<![\w.+\-])[\w.+\-]++@[\w\-]++(?:\.[\w\-]++)+")
# JSON escapes C0 itself; these would still act on a terminal, reorder a line, or not encode.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def masked_for_log(text: str) -> str:
    """``text`` cut to a sane length, with numbers and addresses that look personal hidden."""
    if len(text) > _LONGEST_VALUE:
        text = text[:_LONGEST_VALUE] + "…"
    return _MAIL.sub(_HIDDEN, _NUMBER.sub(_HIDDEN, text))


def _clean(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return masked_for_log(value)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return _HIDDEN if _NUMBER.fullmatch(str(value)) else value
    if depth >= 4:
        return _HIDDEN
    if isinstance(value, dict):
        return {
            masked_for_log(str(key)): _HIDDEN if str(key).lower() in PERSONAL_KEYS else _clean(each, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(each, depth + 1) for each in value]
    return masked_for_log(str(value))


def _guard_personal_data(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key.lower() in PERSONAL_KEYS:
            event[key] = _HIDDEN
        elif key not in ("timestamp", "level", "trace"):
            event[key] = _clean(value)
    return event


def _describe_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    raised = event.pop("exc_info", None)
    event.pop("stack_info", None)
    event.pop("exception", None)
    if raised is True:
        raised = sys.exc_info()[1]
    elif isinstance(raised, tuple):
        raised = raised[1]
    if isinstance(raised, BaseException):
        event["raised"] = describe(raised)
    return event


def describe(error: BaseException) -> list[dict[str, Any]]:
    """The exception and what caused it: kind, SQL state, and the last frames; never its message."""
    chain: list[dict[str, Any]] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(chain) < 5:
        seen.add(id(current))
        told: dict[str, Any] = {"kind": f"{type(current).__module__}.{type(current).__qualname__}"}
        state = getattr(getattr(current, "orig", current), "sqlstate", None)
        if isinstance(state, str):
            told["sqlstate"] = state
        frames = traceback.extract_tb(current.__traceback__)[-12:]
        told["at"] = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
        chain.append(told)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain


def _short(filename: str) -> str:
    return "/".join(filename.replace("\\", "/").split("/")[-3:])


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if "trace" not in event and (found := current_trace_id()) is not None:
        event["trace"] = found
    return event


_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=repr).encode


def _one_line(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    """JSON on one line, whatever the values hold."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", _encode(event))


#: The service for which this task works: several share a process.
current_service: Final[ContextVar[str | None]] = ContextVar("current_service", default=None)


def configure_logging(service: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logs of this process, the libraries' and uvicorn's too, as JSON lines to ``stream`` (standard error).

    uvicorn is to be started with ``log_config=None`` and ``access_log=False``: requests are told by the web edge.
    ``service`` is told where ``current_service`` is not set.
    """
    lowest = logging.getLevelNamesMapping()[level]
    out = stream or sys.stderr

    def add_service(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("service", current_service.get() or service)
        return event

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        _add_trace,
        _describe_exception,
        _guard_personal_data,
    ]
    # Our own lines take the short way, past the standard library's records.
    structlog.configure(
        processors=[*shared, _one_line],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _one_line],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = name != "uvicorn.access"
    # Their messages quote statements, addresses and message bodies.
    for name in ("sqlalchemy", "asyncpg", "httpx", "httpcore", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, lowest))
    # It repeats every retry of every connection as an error; our own lines say that the bus cannot be reached.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def logger(topic: str) -> Any:
    """The logger of one topic of the work (``returns``, ``relay``)."""
    return structlog.get_logger(topic=topic)


# --- traces -----------------------------------------------------------------------------------------------------------

_PROPAGATOR: Final = TraceContextTextMapPropagator()
# Without an endpoint there are trace ids and no spans, so that a fact always tells which request it came from.
_tracers: Final[list[trace.Tracer]] = []


def configure_tracing(service: str, endpoint: str | None = None, *, ratio: float = 1.0) -> TracerProvider | None:
    """Send the spans of this process to ``endpoint`` (OTLP/HTTP); without one there are trace ids and no spans.

    A second call replaces the first. Shut the provider down at the end: that sends what is left.
    """
    _tracers.clear()
    if endpoint is None:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    resource = Resource.create({"service.name": f"hotline-{service}"})
    provider = TracerProvider(resource=resource, sampler=ParentBasedTraceIdRatio(ratio))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    _tracers.append(provider.get_tracer("hotline"))
    return provider


def current_traceparent() -> str | None:
    """The W3C ``traceparent`` of what is being done now, for the outbox row; None outside any trace."""
    found = trace.get_current_span().get_span_context()
    if not found.is_valid:
        return None
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"


def current_trace_id() -> str | None:
    """The trace's id in hexadecimal, None outside any trace."""
    found = trace.get_current_span().get_span_context()
    return f"{found.trace_id:032x}" if found.is_valid else None


@contextmanager
def attach_traceparent(traceparent: str | None, name: str) -> Iterator[trace.Span]:
    """Do something as a part of the trace that a request or an event began; a malformed parent begins a new trace.

    ``name`` is a route's template or an event's type: nothing that a person typed.
    """
    if not _tracers:
        token = trace_context.attach(trace.set_span_in_context(_unrecorded(traceparent)))
        try:
            yield trace.get_current_span()
        finally:
            trace_context.detach(token)
        return
    parent = _PROPAGATOR.extract({"traceparent": traceparent}, trace_context.Context()) if traceparent else None
    # An exception's message is personal until proven otherwise: it is not recorded on the span.
    with _tracers[0].start_as_current_span(
        name, context=parent, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span


_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def _unrecorded(traceparent: str | None) -> trace.Span:
    """A step of the trace with ids of its own, which nobody records."""
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    inherited = int(found.group(1), 16) if found else 0
    fresh = int.from_bytes(os.urandom(24))
    trace_id, span_id = inherited or fresh >> 64 or 1, fresh & 0xFFFFFFFFFFFFFFFF or 1
    return trace.NonRecordingSpan(trace.SpanContext(trace_id, span_id, is_remote=False))


# --- metrics ----------------------------------------------------------------------------------------------------------


class Metrics:
    """The metrics of one service, in a registry of its own: several services live in one process.

    Names begin with ``hotline_``; every sample carries the label ``service``. Labels hold codes, never what was typed.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry(auto_describe=True)
        self.requests = self.histogram(
            "http_request_seconds",
            "Time from the request's first byte to the answer's last",
            "method",
            "route",
            "status",
        )
        self.in_flight = self.gauge("http_commands_in_flight", "Commands being carried out now")

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        made = Counter(f"hotline_{name}", meaning, ("service", *labels), registry=self.registry)
        return made if labels else made.labels(self.service)

    def gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        made = Gauge(f"hotline_{name}", meaning, ("service", *labels), registry=self.registry)
        return made if labels else made.labels(self.service)

    def histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        made = Histogram(f"hotline_{name}", meaning, ("service", *labels), registry=self.registry)
        return made if labels else made.labels(self.service)
