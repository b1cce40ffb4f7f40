from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from infra.settings import default_context, from_context
from infra.sign_in import SignIn
from tests.infra.assembly import Assembly, Template, as_list, as_text


@pytest.fixture(params=["console", "cli"])
def client(request: pytest.FixtureRequest, assembly: Assembly) -> dict[str, Any]:
    return console_of(assembly) if request.param == "console" else cli_of(assembly)


def console_of(assembly: Assembly) -> dict[str, Any]:
    return assembly.service.one("Cognito::UserPoolClient")


def cli_of(assembly: Assembly) -> dict[str, Any]:
    return assembly.data.one("Cognito::UserPoolClient")


def test_nobody_signs_up_and_nobody_has_a_short_password(data: Template) -> None:
    pool = data.one("Cognito::UserPool")

    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 14
    assert pool["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"] == 7


def test_people_sign_in_with_their_address_however_they_write_it(data: Template) -> None:
    pool = data.one("Cognito::UserPool")

    assert pool["UsernameAttributes"] == ["email"]
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}
    assert pool["AutoVerifiedAttributes"] == ["email"]
    assert pool["AccountRecoverySetting"]["RecoveryMechanisms"] == [{"Name": "verified_email", "Priority": 1}]


def test_everybody_needs_an_authenticator_app_unless_the_settings_say_otherwise(
    data: Template, browser_assembly: Assembly
) -> None:
    pool, lenient = data.one("Cognito::UserPool"), browser_assembly.data.one("Cognito::UserPool")

    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("ON", ["SOFTWARE_TOKEN_MFA"])
    assert (lenient["MfaConfiguration"], lenient["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])


def test_users_outlive_the_stack_on_aws_only(data: Template, local_assembly: Assembly) -> None:
    (kept,) = data.all("Cognito::UserPool").values()
    (local,) = local_assembly.data.all("Cognito::UserPool").values()

    assert (kept["DeletionPolicy"], kept["Properties"]["DeletionProtection"]) == ("Retain", "ACTIVE")
    assert (local["DeletionPolicy"], local["Properties"]["DeletionProtection"]) == ("Delete", "INACTIVE")


def test_the_roles_are_the_groups(data: Template) -> None:
    groups = [found["Properties"]["GroupName"] for found in data.all("Cognito::UserPoolGroup").values()]

    assert sorted(groups) == ["administrator", "operator"]


def test_no_client_lets_users_choose_their_organization(client: dict[str, Any]) -> None:
    assert client["WriteAttributes"] == ["email"]
    assert "custom:organization_id" in client["ReadAttributes"]


def test_a_client_tells_nobody_who_exists_and_its_tokens_end(client: dict[str, Any]) -> None:
    assert client["GenerateSecret"] is False
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["EnableTokenRevocation"] is True
    assert (client["AccessTokenValidity"], client["IdTokenValidity"]) == (15, 15)
    assert client["RefreshTokenValidity"] == 30 * 24 * 60
    assert set(client["TokenValidityUnits"].values()) == {"minutes"}


def test_the_command_line_proves_the_password_without_sending_it(assembly: Assembly) -> None:
    assert set(cli_of(assembly)["ExplicitAuthFlows"]) == {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
    assert cli_of(assembly)["AllowedOAuthFlowsUserPoolClient"] is False


def test_nobody_signs_in_at_a_page_that_has_no_address(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path), context=default_context())
    sign_in = SignIn(cdk.Stack(app, "Pool"), settings=from_context(app))
    sign_in.build_page_client(cdk.Stack(app, "Page"), [])
    app.synth()

    client = Template(tmp_path / "Page.template.json").one("Cognito::UserPoolClient")

    assert client["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    assert client["AllowedOAuthFlowsUserPoolClient"] is False


def test_the_console_gets_a_code_at_its_own_address_and_at_an_operators_only(browser_assembly: Assembly) -> None:
    console = console_of(browser_assembly)

    assert console["AllowedOAuthFlows"] == ["code"]
    assert console["CallbackURLs"] == ["https://rosters.district.example/", "https://console.example/signed-in"]
    assert console["LogoutURLs"] == console["CallbackURLs"]
    # no scope of Cognito's own: a token of the page changes nothing at the user
    assert sorted(console["AllowedOAuthScopes"]) == ["email", "openid"]
    assert console["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]


def test_the_sign_in_page_has_a_name_of_stage_and_account_or_that_of_the_settings(
    data: Template, browser_assembly: Assembly
) -> None:
    own, given = (template.one("Cognito::UserPoolDomain")["Domain"] for template in (data, browser_assembly.data))

    assert own == {"Fn::Join": ["", ["rosterbridge-prod-", {"Ref": "AWS::AccountId"}]]}
    assert given == "district-rosters"


def test_without_settings_there_is_no_other_way_to_sign_in(data: Template, client: dict[str, Any]) -> None:
    assert data.all("Cognito::UserPoolIdentityProvider") == {}
    assert client["SupportedIdentityProviders"] == ["COGNITO"]


def test_a_districts_own_provider_tells_an_address_and_neither_role_nor_organization(
    browser_assembly: Assembly,
) -> None:
    template = browser_assembly.data
    ((name, resource),) = template.all("Cognito::UserPoolIdentityProvider").items()
    provider = resource["Properties"]

    assert (provider["ProviderName"], provider["ProviderType"]) == ("District", "OIDC")
    assert provider["AttributeMapping"] == {"email": "email"}
    assert provider["ProviderDetails"]["oidc_issuer"] == "https://id.district.example"
    cognito, district = console_of(browser_assembly)["SupportedIdentityProviders"]
    assert (cognito, as_text(district).partition(name)[1]) == ("COGNITO", name)
    assert cli_of(browser_assembly)["SupportedIdentityProviders"] == ["COGNITO"]


def test_the_providers_secret_is_in_no_template(browser_assembly: Assembly) -> None:
    secret = browser_assembly.data.one("Cognito::UserPoolIdentityProvider")["ProviderDetails"]["client_secret"]

    assert secret.startswith("{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:district-")


def test_a_saml_provider_is_known_by_its_metadata(tmp_path: Path) -> None:
    saml = {
        "identity_provider": "District",
        "saml_metadata_url": "https://id.example/metadata",
        "identity_provider_email": "mail",
    }
    app = cdk.App(outdir=str(tmp_path), context={**default_context(), **saml})
    SignIn(cdk.Stack(app, "Saml"), settings=from_context(app))
    app.synth()

    provider = Template(tmp_path / "Saml.template.json").one("Cognito::UserPoolIdentityProvider")

    assert provider["ProviderType"] == "SAML"
    assert provider["ProviderDetails"]["MetadataURL"] == "https://id.example/metadata"
    assert provider["AttributeMapping"] == {"email": "mail"}


def test_the_organization_of_a_user_is_written_once(data: Template) -> None:
    schema = {found["Name"]: found for found in data.one("Cognito::UserPool")["Schema"]}

    assert schema["organization_id"]["Mutable"] is False


def test_the_api_may_link_users_to_the_provider_only_if_there_is_one(
    service: Template, browser_assembly: Assembly
) -> None:
    actions = [
        {action for _, statement in template.statements() for action in as_list(statement["Action"])}
        for template in (service, browser_assembly.service)
    ]

    assert ["cognito-idp:AdminLinkProviderForUser" in allowed for allowed in actions] == [False, True]
    environment = browser_assembly.service.one("Lambda::Function", "Api")["Environment"]["Variables"]
    assert (environment["IDENTITY_PROVIDER"], environment["IDENTITY_PROVIDER_EMAIL"]) == ("District", "email")
