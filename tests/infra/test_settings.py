import json
from typing import Any

import aws_cdk as cdk
import pytest

from infra.settings import Settings, WrongSettingError, default_context, from_context
from tests.infra.offline import Offline


def read(**given: Any) -> Settings:
    return from_context(cdk.App(context={**default_context(), **given}))


def test_every_setting_has_a_default_in_cdk_json_and_a_description() -> None:
    assert Settings.model_fields.keys() <= default_context().keys()
    assert all(field.description for field in Settings.model_fields.values())


def test_the_command_line_gives_settings_as_text() -> None:
    settings = read(local="true", log_retention_days="30", forward_retry_rate="1.5")

    assert (settings.local, settings.log_retention_days, settings.forward_retry_rate) == (True, 30, 1.5)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stage", "Prod!"),
        ("local", "perhaps"),
        ("security_policy", "TransferSecurityPolicy-2018-11"),
        ("run_retention_days", 0),
        ("data_retention_days", 1),
        ("log_retention_days", 8),
        ("log_retention_days", "many"),
        ("forward_retry_seconds", 0),
        ("forward_retry_rate", 0.5),
        ("forward_retry_attempts", 11),
        ("no_such_setting", 1),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(key: str, value: Any) -> None:
    with pytest.raises(WrongSettingError, match=rf"wrong setting in the CDK context: {key}: "):
        read(**{key: value})


def test_a_missing_setting_is_refused_by_its_name() -> None:
    with pytest.raises(WrongSettingError, match=r"stage: Field required"):
        from_context(cdk.App())


def test_repeats_that_outlast_the_execution_are_refused() -> None:
    with pytest.raises(WrongSettingError, match=r"forward_retry_seconds.*7 days"):
        read(forward_retry_attempts=8)


def test_synth_stops_at_a_wrong_setting_and_says_which(offline: Offline, tmp_path) -> None:
    done = offline.run("python3", "app.py", CDK_CONTEXT_JSON=json.dumps({"stage": "Prod!"}), CDK_OUTDIR=str(tmp_path))

    assert done.returncode != 0
    assert "wrong setting in the CDK context: stage: " in done.stderr
