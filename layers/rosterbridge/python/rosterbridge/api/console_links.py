"""Addresses in AWS's console at which an operator sees what a run did: its execution, its trace and its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from rosterbridge.flows.models import Run

DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
BEFORE, AFTER = timedelta(minutes=15), timedelta(hours=1)
# X-Ray looks through so much at once
TRACED = timedelta(hours=6)
QUERY = """fields @timestamp, service, level, message, code, detail, kind, type, details.name
| filter @message like "{run_id}"
| sort @timestamp asc
| limit 1000"""

Value = str | int | Sequence["Value"] | Mapping[str, "Value"]


@dataclass(frozen=True)
class ConsoleLinks:
    """Makes the addresses from the state machine's ARN, and the log groups in which a run leaves something."""

    state_machine_arn: str
    log_groups: tuple[str, ...]

    def of(self, run: Run) -> dict[str, str]:
        """Return the addresses by what is seen there; none where no log groups are known."""
        if not self.log_groups:
            return {}
        end = (run.ended_at or run.received_at + AFTER) + BEFORE
        return {
            "execution": f"{self._home('states')}#/v2/executions/details/{self._execution(run.id)}",
            "trace": f"{self._home('cloudwatch')}#xray:traces/query?{self._traces(run)}",
            "log": f"{self._home('cloudwatch')}#logsV2:logs-insights$3FqueryDetail$3D{self._log(run, end)}",
        }

    def _home(self, service: str) -> str:
        _, partition, _, region, *_ = self.state_machine_arn.split(":")
        domain = DOMAINS.get(partition, DOMAINS["aws"])
        return f"https://{region}.{domain}/{service}/home?region={region}"

    def _execution(self, run_id: str) -> str:
        """Return the ARN of a run's execution: it has the run's name."""
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{run_id}"

    def _traces(self, run: Run) -> str:
        start = run.received_at - BEFORE
        span = {"end": _moment(start + TRACED), "start": _moment(start)}
        wanted = f'annotation.run_id = "{run.id}"'
        return packed({"query": {"expression": wanted}, "context": {"timeRange": span}})

    def _log(self, run: Run, end: datetime) -> str:
        return packed(
            {
                "end": _moment(end),
                "start": _moment(run.received_at - BEFORE),
                "timeType": "ABSOLUTE",
                "tz": "UTC",
                "editorString": QUERY.format(run_id=run.id),
                "source": self.log_groups,
            }
        )


def packed(value: Value) -> str:
    """Return a value as CloudWatch's console writes it into its addresses: ``~(end~0~source~(~'group))``."""
    if isinstance(value, str):
        return "~'" + quote(value, safe="").replace("~", "%7e").replace("%", "*")
    if isinstance(value, Mapping):
        return "~(" + "~".join(f"{name}{packed(one)}" for name, one in value.items()) + ")"
    if isinstance(value, Sequence):
        return "~(" + "".join(packed(one) for one in value) + ")"
    return f"~{value}"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
