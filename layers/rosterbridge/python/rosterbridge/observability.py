"""Logs, traces and metrics: ids of ours, counts, codes, S3 references; never an event, a name, a password or a row."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import PurePath
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from rosterbridge.errors import RosterbridgeError, at_boundary
from rosterbridge.measures import NAMESPACE, SECONDS, THROTTLED, service_of
from rosterbridge.tracing import Traces

SERVICE = service_of(os.environ.get("STAGE", "none"))
Handler = Callable[[dict[str, Any], Any], Any]

logger = Logger(log_uncaught_exceptions=False)
tracer = Tracer(provider=Traces(), auto_patch=False, disabled=False)
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)


def observed(handler: Handler) -> Handler:
    """Give a function its log, its part of the trace and its metrics; of event and answer nothing is kept."""

    @logger.inject_lambda_context(log_event=False, clear_state=True)
    @tracer.capture_lambda_handler(capture_response=False, capture_error=False)
    @wraps(handler)
    def observe(event: dict[str, Any], context: Any) -> Any:
        try:
            return handler(event, context)
        finally:
            if metrics.metric_set:  # Powertools warns of having nothing to tell
                metrics.flush_metrics()

    observed_handler: Handler = observe
    return observed_handler


def about(run_id: str) -> None:
    """Let every further line of the log, and the trace, name the run."""
    logger.set_correlation_id(run_id)
    tracer.put_annotation("run_id", run_id)


def measure(name: str, value: float = 1) -> None:
    """Add to a metric of the deployment; all of them are told when the function ends."""
    metrics.add_metric(name=name, unit=_unit(name), value=value)


def measure_all(measures: Mapping[str, float]) -> None:
    """Add to several metrics."""
    for name, value in measures.items():
        measure(name, value)


def measure_of_flow(name: str, flow_id: str, value: float) -> None:
    """Tell a metric of one flow."""
    dimensions = {"service": SERVICE, "flow_id": flow_id}
    with single_metric(name, _unit(name), value, namespace=NAMESPACE, default_dimensions=dimensions):
        pass


def _unit(name: str) -> MetricUnit:
    return MetricUnit.Seconds if name in SECONDS else MetricUnit.Count


@contextmanager
def boundary(**ids: str) -> Iterator[None]:
    """Log how a function ended, and let only the errors through that the state machine knows by name."""
    outer = logger.get_correlation_id()
    logger.append_keys(**ids)
    try:
        yield
    except RosterbridgeError as error:
        logger.warning("refused", extra={"code": error.code, "detail": error.detail, "kind": type(error).__name__})
        if error.code == "aws-refused" and _is_throttling(error.detail):
            measure(THROTTLED)
        raise at_boundary(error) from None
    except Exception as error:  # noqa: BLE001 its text may hold a row, so that only its kind and place are told
        logger.error("unexpected", extra={"kind": type(error).__name__, "place": _place(error)})
        raise at_boundary(error) from None
    finally:
        logger.remove_keys([*ids, "correlation_id"])
        if outer:
            logger.set_correlation_id(outer)


def _is_throttling(detail: str) -> bool:
    """Tell whether an AWS service was asked more than it takes: its own word stands at the end."""
    return any(word in detail for word in ("Throttl", "TooManyRequests", "LimitExceeded", "ThroughputExceeded"))


def _place(error: Exception) -> list[str]:
    """Return the calls that led to ``error``, the last one last, without any value."""
    calls = traceback.extract_tb(error.__traceback__)
    return [f"{PurePath(call.filename).name}:{call.lineno} {call.name}" for call in calls]
