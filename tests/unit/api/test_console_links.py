"""Where an operator sees a run in AWS's console."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest

from rosterbridge.api.console_links import ConsoleLinks, packed
from tests.support import flows
from tests.support.api import CONSOLE, Client

RUN = flows.run(id="0123456789abcdef0123456789abcdef", ended_at=flows.AT + timedelta(minutes=2))


def read(text: str) -> str:
    """Return what the console reads out of its own way of writing."""
    return unquote(text.replace("*", "%"))


def test_the_console_reads_what_is_packed() -> None:
    assert packed({"end": 0, "start": -3600, "unit": "seconds", "source": ("/a/b", "c")}) == (
        "~(end~0~start~-3600~unit~'seconds~source~(~'*2Fa*2Fb~'c))"
    )
    assert packed('a = "b"~') == "~'a*20*3D*20*22b*22*7e"


def test_the_links_lead_to_the_execution_the_trace_and_the_log_of_the_run() -> None:
    links = CONSOLE.of(RUN)

    assert links["execution"] == (
        "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/"
        f"arn:aws:states:eu-west-1:111122223333:execution:Runs:{RUN.id}"
    )
    assert f'~(query~(expression~\'annotation.run_id = "{RUN.id}")~context~(timeRange~' in read(links["trace"])
    log = read(links["log"])
    assert f'filter @message like "{RUN.id}"' in log
    assert log.endswith("~source~(~'/aws/validate~'/aws/states/runs))")
    assert re.search(r"end~'2026-10-01T06:47:00.000Z~start~'2026-10-01T06:15:00.000Z~timeType~'ABSOLUTE", log)
    assert all(re.fullmatch(r"[!-~]+", link) for link in links.values())


@pytest.mark.parametrize(
    ("partition", "domain"), [("aws-cn", "console.amazonaws.cn"), ("aws-us-gov", "console.amazonaws-us-gov.com")]
)
def test_other_partitions_have_consoles_of_their_own(partition: str, domain: str) -> None:
    links = ConsoleLinks(f"arn:{partition}:states:here-1:1:stateMachine:Runs", ("log",)).of(RUN)

    assert all(link.startswith(f"https://here-1.{domain}/") for link in links.values())


def test_only_operators_see_them(user: Client, staff: Client, base: str, north: dict[str, str]) -> None:
    run = f"{base}/runs/{north['run_id']}"

    assert user.get(run).json["console"] == {}
    assert staff.get(run).json["console"].keys() == {"execution", "trace", "log"}
