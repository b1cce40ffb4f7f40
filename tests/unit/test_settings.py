from __future__ import annotations

import pytest

from rosterbridge.errors import ConfigurationError
from rosterbridge.settings import (
    ApiEnvironment,
    AuthenticateEnvironment,
    Environment,
    ForwardEnvironment,
    GuardEnvironment,
    HostKeysEnvironment,
    NotifyEnvironment,
    ReceiveEnvironment,
    StepEnvironment,
    SweepEnvironment,
    WatchEnvironment,
)
from tests.support.settings import DEPLOYED

GIVEN = {
    **DEPLOYED,
    "KEY_ARN": "arn:aws:kms:eu-west-1:111122223333:key/1",
    "STATE_MACHINE_ARN": "arn:aws:states:eu-west-1:111122223333:stateMachine:Runs",
    "ERASURES_ARN": "arn:aws:states:eu-west-1:111122223333:stateMachine:Erasures",
    "AUDIT_TABLE": "audit",
    "AUDIT_RETENTION_DAYS": "400",
    "CLI_CLIENT_ID": "client-of-the-command-line",
    "CHANGES_PER_MINUTE": "60",
    "HOME_GRACE_DAYS": "7",
    "IDENTITY_PROVIDER": "District",
    "IDENTITY_PROVIDER_EMAIL": "email",
    "OUTCOMES_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/111122223333/outcomes",
    "NOTICE_TOPIC_ARN": "arn:aws:sns:eu-west-1:111122223333:notices",
    "CONSOLE_ORIGIN": "https://console.example",
    "FLOW_METRICS": "True",
    "RUN_LOG_GROUPS": "/aws/lambda/receive,/aws/lambda/notify",
    "SFTP_HOST": "sftp.example.org",
    "SFTP_PORT": "22",
    "SFTP_SERVER_ID": "s-0123456789abcdef0",
    "SFTP_HOST_PER_ACCOUNT": "False",
    "HOST_KEY_SECRET": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:host-keys-AbCdEf",
    "USER_POOL_ID": "eu-west-1_AbCdEf123",
}
MODELS = (
    AuthenticateEnvironment,
    ReceiveEnvironment,
    StepEnvironment,
    GuardEnvironment,
    ForwardEnvironment,
    ApiEnvironment,
    SweepEnvironment,
    NotifyEnvironment,
    WatchEnvironment,
    HostKeysEnvironment,
)
EACH = [(model, name.upper()) for model in MODELS for name, field in model.model_fields.items() if field.is_required()]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("model", MODELS)
def test_settings_are_read_from_the_environment(model: type[Environment]) -> None:
    settings = model.load()

    assert {name.upper(): str(value) for name, value in settings.model_dump().items()}.items() <= GIVEN.items()


@pytest.mark.parametrize(("model", "variable"), EACH)
def test_a_missing_setting_is_named(model: type[Environment], variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable)

    with pytest.raises(ConfigurationError, match=f"^settings-wrong: {variable} missing$"):
        model.load()


@pytest.mark.parametrize("value", ["", "x"])
@pytest.mark.parametrize(("model", "variable"), EACH)
def test_a_wrong_setting_is_named_but_not_its_value(
    model: type[Environment], variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match=rf"^settings-wrong: {variable} [a-z_]+$"):
        model.load()


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "many"])
def test_a_retention_that_is_no_number_of_days_is_refused(days: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN_RETENTION_DAYS", days)

    with pytest.raises(ConfigurationError, match="RUN_RETENTION_DAYS"):
        ReceiveEnvironment.load()


def test_every_missing_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCOUNT_TABLE", "RUN_TABLE"):
        monkeypatch.delenv(name)

    with pytest.raises(ConfigurationError, match="ACCOUNT_TABLE missing, RUN_TABLE missing"):
        StepEnvironment.load()
