from tests.infra.assembly import Template


def test_only_this_servers_failed_uploads_come_to_the_queue(service: Template) -> None:
    rule = service.one("Events::Rule", "BrokenUploads")
    (server,) = service.all("Transfer::Server")
    (target,) = rule["Targets"]

    assert rule["EventPattern"] == {
        "source": ["aws.transfer"],
        "detail-type": ["SFTP Server File Upload Failed"],
        "detail": {"server-id": [{"Fn::GetAtt": [server, "ServerId"]}]},
    }
    assert target["Arn"]["Fn::GetAtt"][0].startswith("BrokenUploadsQueue")
    assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith("BrokenUploadsDead")


def test_receive_hears_of_them_one_by_one_and_what_failed_waits_in_the_dead_letters(service: Template) -> None:
    (mapping,) = [
        found["Properties"]
        for found in service.all("Lambda::EventSourceMapping").values()
        if "BrokenUploads" in str(found["Properties"]["EventSourceArn"])
    ]
    queue = service.one("SQS::Queue", "BrokenUploadsQueue")
    function = service.called(mapping["FunctionName"])

    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert function["FunctionName"].endswith("-receive")
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert queue["SqsManagedSseEnabled"] is True
