from tests.infra.assembly import Assembly, Template, as_text


def test_the_server_speaks_sftp_only_with_todays_algorithms(service: Template) -> None:
    server = service.one("Transfer::Server")

    assert server["Protocols"] == ["SFTP"]
    assert server["Domain"] == "S3"
    assert server["SecurityPolicyName"] == "TransferSecurityPolicy-2025-03"


def test_the_server_asks_the_authenticate_function(service: Template) -> None:
    server = service.one("Transfer::Server")
    asked = server["IdentityProviderDetails"]

    assert server["IdentityProviderType"] == "AWS_LAMBDA"
    assert asked["SftpAuthenticationMethods"] == "PUBLIC_KEY_OR_PASSWORD"
    function = service.resources[asked["Function"]["Fn::GetAtt"][0]]["Properties"]
    assert function["FunctionName"] == "rosterbridge-prod-authenticate"
    assert function["Timeout"] <= 15


def test_only_this_server_may_ask_it(service: Template) -> None:
    (server_id,) = service.all("Transfer::Server")
    permission = service.one("Lambda::Permission", "SftpEndpoint")

    assert permission["Principal"] == "transfer.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": [server_id, "Arn"]}
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_clients_that_set_times_are_not_refused_and_folders_list_fast(service: Template) -> None:
    server = service.one("Transfer::Server")

    assert server["ProtocolDetails"] == {"SetStatOption": "ENABLE_NO_OP"}
    assert server["S3StorageOptions"] == {"DirectoryListingOptimization": "ENABLED"}


def test_sessions_are_logged_and_the_log_ends(service: Template) -> None:
    (destination,) = service.one("Transfer::Server")["StructuredLogDestinations"]

    assert service.resources[destination["Fn::GetAtt"][0]]["Properties"]["RetentionInDays"] == 90


def test_no_other_account_can_borrow_the_roles_of_transfer_family(service: Template) -> None:
    trusts = [
        statement
        for role in service.all("IAM::Role").values()
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if statement["Principal"]["Service"] == "transfer.amazonaws.com"
    ]

    assert len(trusts) == 2
    for trust in trusts:
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_a_session_reaches_nothing_but_homes(service: Template) -> None:
    statements = [statement for name, statement in service.statements() if name.startswith("SftpEndpointHomeRole")]
    listing, objects, key = statements

    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["home/*"]}}
    assert objects["Action"] == ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    assert objects["Resource"]["Fn::Join"][1][-1] == "/home/*"
    assert set(key["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}


def test_clients_are_told_the_servers_own_name_or_that_of_the_settings(
    service: Template, browser_assembly: Assembly
) -> None:
    own, given = (template.outputs["SftpHost"]["Value"] for template in (service, browser_assembly.service))

    assert ".server.transfer.Region.URLSuffix" in as_text(own)
    assert given == "upload.district.example"
