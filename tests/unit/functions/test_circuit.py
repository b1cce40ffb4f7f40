"""What an alarm counts: forward's log during an outage at Apple."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rosterbridge.errors import TransientError
from rosterbridge.settings import ForwardEnvironment
from tests.support import flows
from tests.support.fakes import FakeDelivery
from tests.unit.functions.conftest import Context, Load, Output


def send(module: Any, path: Path) -> str:
    delivery = module._delivery(ForwardEnvironment.load(), Context())
    with pytest.raises(TransientError) as failed:
        delivery.send(path, flows.asm_account(host="apple.example"), "planted", "name.zip")
    return failed.value.code


def test_an_outage_is_one_line_of_the_log_however_many_deliveries_meet_it(
    load: Load, output: Output, tmp_path: Path
) -> None:
    module, apple = load("forward"), FakeDelivery()
    apple.error = TransientError("asm-unreachable")
    module.SftpDelivery = lambda _: apple

    codes = [send(module, tmp_path) for _ in range(10)]

    assert codes == ["asm-unreachable"] * 3 + ["asm-circuit-open"] * 7
    (line,) = output.lines()
    assert (line["code"], line["host"], line["level"]) == ("circuit-opened", "apple.example:22", "WARNING")
    assert "planted" not in output.text()
