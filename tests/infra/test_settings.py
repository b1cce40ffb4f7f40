import json
import re
from typing import Any

import aws_cdk as cdk
import pytest

from infra.settings import Settings, WrongSettingError, default_context, from_context
from tests.infra.offline import ROOT, Offline


def read(**given: Any) -> Settings:
    return from_context(cdk.App(context={**default_context(), **given}))


def test_every_setting_has_a_default_in_cdk_json_and_a_description() -> None:
    assert Settings.model_fields.keys() - default_context()["stages"]["default"].keys() == {"stage"}
    assert all(field.description for field in Settings.model_fields.values())


def test_every_setting_is_documented_with_its_default_and_its_effect() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \| \S.*\|$", page, re.MULTILINE))
    defaults = {"stage": default_context()["stage"], **default_context()["stages"]["default"]}

    assert {key: json.loads(default) for key, default in rows.items()} == defaults


def test_a_stage_has_its_own_defaults_and_what_is_given_wins() -> None:
    assert (read().keep_data, read(stage="dev").keep_data, read(stage="other").keep_data) == (True, False, True)
    assert read(stage="dev", keep_data="true").keep_data
    assert read(stage="dev").data_retention_days < read().data_retention_days
    assert read(stage="dev").hold_days == read().hold_days


def test_a_stage_with_a_wrong_setting_is_refused_by_its_name() -> None:
    stages = default_context()["stages"]

    with pytest.raises(WrongSettingError, match="hold_days: "):
        read(stage="dev", stages={**stages, "dev": {"hold_days": 0}})


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
        ("circuit_failures", 0),
        ("circuit_open_seconds", 0),
        ("circuit_longest_seconds", 7201),
        ("hold_days", 0),
        ("home_grace_days", 0),
        ("audit_retention_days", 0),
        ("sftp_host", "not a name"),
        ("sftp_port", 65536),
        ("sftp_host_per_account", "perhaps"),
        ("hosted_zone_id", "upload.district.example"),
        ("hosted_zone_name", "example"),
        ("sftp_endpoint", "private"),
        ("sftp_banner", "x" * 513),
        ("sftp_banner", "Nur für Befugte"),
        ("host_key_secret", "-----BEGIN OPENSSH PRIVATE KEY-----"),
        ("fixed_egress", "perhaps"),
        ("private_asm_hosts", "perhaps"),
        ("changes_per_minute", 0),
        ("api_rate", 0),
        ("api_burst", 5001),
        ("console_origin", "http://console.example"),
        ("console_origin", "https://console.example/"),
        ("console_origin", "https://*.example"),
        ("notify_by", "pigeon"),
        ("notify_from", "Rosterbridge <rosterbridge@example.org>"),
        ("sign_in_failures", 0),
        ("flow_metrics", "perhaps"),
        ("sign_in_threshold", 1),
        ("ban_minutes", 1441),
        ("uploads_per_day", 5001),
        ("upload_bytes_per_day", 0),
        ("max_upload_bytes", 0),
        ("second_factor", "off"),
        ("sign_in_domain", "-district"),
        ("sign_in_domain", "my-aws-rosters"),
        ("token_minutes", 4),
        ("refresh_days", 0),
        ("identity_provider", "?"),
        ("oidc_issuer", "http://id.example"),
        ("oidc_client_secret", "the secret itself"),
        ("saml_metadata_url", "file:///etc/passwd"),
        ("no_such_setting", 1),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(key: str, value: Any) -> None:
    with pytest.raises(WrongSettingError, match=rf"wrong setting in the CDK context: {key}: "):
        read(**{key: value})


@pytest.mark.parametrize("url", ["http://console.example/in", "https://*.example", "javascript:alert(1)"])
def test_a_callback_that_could_tell_a_stranger_the_code_is_refused(url: str) -> None:
    with pytest.raises(WrongSettingError, match=r"console_callback_urls\.0: "):
        read(console_callback_urls=[url])


def test_callbacks_are_a_list_or_a_text_with_commas() -> None:
    urls = ("https://console.example/in", "http://localhost:5173/in")

    assert read(console_callback_urls=list(urls)).console_callback_urls == urls
    assert read(console_callback_urls=", ".join(urls)).console_callback_urls == urls
    assert read(console_callback_urls="").console_callback_urls == ()


def test_addresses_of_alarms_are_a_list_or_a_text_with_commas() -> None:
    addresses = ("a@district.example", "b@district.example")

    assert read(alarm_emails=list(addresses)).alarm_emails == addresses
    assert read(alarm_emails=",".join(addresses)).alarm_emails == addresses
    with pytest.raises(WrongSettingError, match=r"alarm_emails\.0: "):
        read(alarm_emails=["District <a@district.example>"])


ZONE = {"hosted_zone_id": "Z0123456789", "hosted_zone_name": "district.example"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sftp_host": "upload.district.example", "hosted_zone_id": "Z0123456789"}, "hosted_zone_id and hosted_zone"),
        (ZONE, "hosted_zone_name must be"),
        ({**ZONE, "sftp_host": "upload.another.example"}, "hosted_zone_name must be"),
        ({**ZONE, "sftp_host": "uploaddistrict.example"}, "hosted_zone_name must be"),
        ({**ZONE, "sftp_host": "district.example"}, "hosted_zone_name must be"),
        ({"sftp_host_per_account": True}, "sftp_host_per_account needs sftp_host"),
        ({"sftp_networks": "192.0.2.0/24"}, "sftp_networks needs sftp_endpoint vpc"),
        ({"sftp_port": 23}, "sftp_port must be"),
        ({"sftp_port": 1999}, "sftp_port must be"),
        ({"sftp_endpoint": "vpc", "sftp_port": 2224}, "sftp_port must be"),
    ],
)
def test_an_endpoint_that_nobody_could_reach_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongSettingError, match=said):
        read(**given)


@pytest.mark.parametrize(
    "given",
    [
        {**ZONE, "sftp_host": "upload.district.example", "sftp_host_per_account": True},
        {"sftp_host": "upload.another.example"},
        {"sftp_port": 2000},
        {"sftp_endpoint": "vpc", "sftp_port": 22_000},
        {"local": True, "sftp_port": 1024},
    ],
)
def test_an_endpoint_that_can_be_reached_is_taken(given: dict[str, Any]) -> None:
    settings = read(**given)

    assert {name: getattr(settings, name) for name in given} == given


@pytest.mark.parametrize("network", ["192.0.2.1/24", "192.0.2.0/33", "2001:db8::/32", "district"])
def test_clients_come_from_networks_of_ipv4(network: str) -> None:
    assert read(sftp_endpoint="vpc", sftp_networks="192.0.2.0/24, 198.51.100.7").sftp_networks == (
        "192.0.2.0/24",
        "198.51.100.7/32",
    )
    with pytest.raises(WrongSettingError, match=r"sftp_networks\.0: "):
        read(sftp_endpoint="vpc", sftp_networks=network)


OIDC = {
    "oidc_issuer": "https://id.example",
    "oidc_client_id": "rosterbridge",
    "oidc_client_secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:id-AbCdEf",
}
SAML = {"saml_metadata_url": "https://id.example/metadata"}


@pytest.mark.parametrize("given", [OIDC, SAML])
def test_a_district_brings_its_own_sign_in_by_one_protocol(given: dict[str, str]) -> None:
    assert read(identity_provider="District", **given).identity_provider == "District"


@pytest.mark.parametrize(
    "given",
    [
        OIDC,
        SAML,
        {"identity_provider": "District"},
        {"identity_provider": "District", **OIDC, **SAML},
        {"identity_provider": "District", **OIDC, "oidc_client_id": ""},
        {"identity_provider": "District", **SAML, "oidc_issuer": "https://id.example"},
    ],
)
def test_half_of_an_identity_provider_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(WrongSettingError, match=r"identity_provider needs either .* or saml_metadata_url"):
        read(**given)


def test_a_missing_setting_is_refused_by_its_name() -> None:
    with pytest.raises(WrongSettingError, match=r"stage: Field required"):
        from_context(cdk.App())


def test_repeats_that_outlast_the_execution_are_refused() -> None:
    with pytest.raises(WrongSettingError, match=r"forward_retry_seconds.*7 days"):
        read(forward_retry_attempts=8)


def test_a_run_is_not_held_for_longer_than_its_files_are_kept() -> None:
    with pytest.raises(WrongSettingError, match="hold_days"):
        read(hold_days=7, data_retention_days=7)


def test_the_home_of_a_deleted_account_is_found_as_long_as_it_stays() -> None:
    with pytest.raises(WrongSettingError, match="audit_retention_days must not be less than home_grace_days"):
        read(audit_retention_days=6, home_grace_days=7)
    assert read(audit_retention_days=7, home_grace_days=7).home_grace_days == 7


def test_synth_stops_at_a_wrong_setting_and_says_which(offline: Offline, tmp_path) -> None:
    done = offline.run("python3", "app.py", CDK_CONTEXT_JSON=json.dumps({"stage": "Prod!"}), CDK_OUTDIR=str(tmp_path))

    assert done.returncode != 0
    assert "wrong setting in the CDK context: stage: " in done.stderr


@pytest.mark.parametrize("given", [{"notify_by": "ses"}, {"notify_from": "rosterbridge@example.org"}])
def test_mail_needs_a_sender_and_a_sender_mail(given: dict[str, str]) -> None:
    with pytest.raises(WrongSettingError, match="notify_by ses needs notify_from"):
        read(**given)


def test_a_console_of_its_own_name_needs_the_names_certificate() -> None:
    name = {"console_domain": "rosters.district.example"}
    certificate = {"console_certificate": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b"}

    assert read(**name, **certificate).console_domain == "rosters.district.example"
    for half in (name, certificate):
        with pytest.raises(WrongSettingError, match="console_domain and console_certificate need each other"):
            read(**half)
    with pytest.raises(WrongSettingError, match="console_domain needs console"):
        read(**name, **certificate, console=False)


def test_cloudfront_takes_certificates_from_one_region() -> None:
    with pytest.raises(WrongSettingError, match="console_certificate: "):
        read(console_certificate="arn:aws:acm:eu-west-1:123456789012:certificate/0a1b", console_domain="a.example")


def test_files_are_posted_by_the_console_and_by_an_operators_own_page() -> None:
    assert read().posting_origins == ("https://*.cloudfront.net",)
    assert read(console=False).posting_origins == ()
    assert read(local=True, console_origin="http://127.0.0.1:8080").posting_origins == ("http://127.0.0.1:8080",)
    assert read(console_origin="https://console.example").posting_origins[1:] == ("https://console.example",)
