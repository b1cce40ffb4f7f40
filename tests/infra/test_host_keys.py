import json

from tests.infra.assembly import Assembly, Template, as_list, as_text

OWN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:host-keys-AbCdEf"
FUNCTION = "SftpEndpointHostKeysHostkeysFunction"


def statements(service: Template, action: str) -> list[dict[str, object]]:
    return [
        found
        for name, found in service.statements()
        if name.startswith(FUNCTION) and action in as_list(found["Action"])
    ]


def test_the_keys_stay_in_an_encrypted_secret_that_the_template_leaves_empty(data: Template) -> None:
    secret = data.one("SecretsManager::Secret", "HostKeys")

    assert secret["KmsKeyId"]["Fn::GetAtt"][0].startswith("Key")
    assert not {"SecretString", "GenerateSecretString"} & secret.keys()


def test_the_server_shows_no_key_of_its_own_and_gets_ours_when_it_is_made(service: Template) -> None:
    (server_id,) = service.all("Transfer::Server")
    (installed,) = [found for found in service.resources.values() if found["Type"] == "Custom::HostKeys"]
    asked = service.resources[installed["Properties"]["ServiceToken"]["Fn::GetAtt"][0]]["Properties"]

    assert service.one("Transfer::Server")["CreateWithHostKey"] is False
    assert asked["FunctionName"] == "rosterbridge-prod-host_keys"
    assert installed["Properties"]["ServerId"] == {"Fn::GetAtt": [server_id, "ServerId"]}
    assert asked["Environment"]["Variables"]["SFTP_SERVER_ID"] == installed["Properties"]["ServerId"]
    assert any(name.startswith(f"{FUNCTION}RoleDefaultPolicy") for name in installed["DependsOn"])


def test_a_deploy_that_gets_no_answer_does_not_wait_for_an_hour(service: Template) -> None:
    (installed,) = [found for found in service.resources.values() if found["Type"] == "Custom::HostKeys"]

    assert int(installed["Properties"]["ServiceTimeout"]) == 600


def test_operators_are_told_the_fingerprints(service: Template) -> None:
    (attribute,) = service.outputs["HostKeyFingerprints"]["Value"].values()

    assert attribute[1] == "Fingerprints"


def test_the_function_reads_and_fills_this_secret_and_changes_the_keys_of_this_server_alone(service: Template) -> None:
    (secret,) = statements(service, "secretsmanager:PutSecretValue")
    (importing,) = statements(service, "transfer:ImportHostKey")
    (deleting,) = statements(service, "transfer:DeleteHostKey")

    assert set(as_list(secret["Action"])) == {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"}
    assert as_text(secret["Resource"]).startswith("RefHostKeys")
    assert importing["Resource"]["Fn::GetAtt"][1] == "Arn"
    assert "SftpEndpointServer" in json.dumps(deleting["Resource"])
    assert as_text(deleting["Resource"]).endswith("/*")


def test_an_operators_own_secret_is_read_and_never_written(browser_assembly: Assembly) -> None:
    (reading,) = statements(browser_assembly.service, "secretsmanager:GetSecretValue")

    assert (reading["Action"], reading["Resource"]) == ("secretsmanager:GetSecretValue", OWN)
    assert statements(browser_assembly.service, "kms:Decrypt") == []


def test_no_key_is_in_a_template(assembly: Assembly, browser_assembly: Assembly) -> None:
    for found in (assembly, browser_assembly):
        for template in found.folder.glob("*.template.json"):
            assert "PRIVATE KEY" not in template.read_text()
