"""Who is told what: the fakes keep it as DynamoDB does, and SES and SNS get what was sent."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from local.clients import environment
from rosterbridge.adapters.dynamodb_notices import DynamoNoticeStore
from rosterbridge.adapters.notifications import SesNotifications, SnsNotifications
from rosterbridge.adapters.outcomes import SqsOutcomes
from rosterbridge.flows.models import Flow
from rosterbridge.flows.notice_ports import HeldRun, Notice, NoticeStore, Watch
from tests.support import flows
from tests.support.fakes import FakeAccountStore, FakeNoticeStore
from tests.support.stack import StackUnderTest
from tests.support.stores import Stores, change

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
KIND = "rejected"
NOTICE = Notice(KIND, "Rosterbridge: an upload was rejected", 'The upload to "Größe 名簿" was rejected.\n')


@dataclass(frozen=True)
class Board:
    """What is kept about notices, beside the accounts whose changes decide what is watched."""

    stores: Stores
    notices: NoticeStore

    def begin(self, flow: str, about: str, after: timedelta = timedelta()) -> bool:
        now = flows.AT + after
        return self.notices.begin(flow, KIND, about, now, now + HOUR)

    def sent(self, flow: str, about: str) -> None:
        self.notices.sent(flow, KIND, about, flows.AT)

    def create(self, **changes: Any) -> Flow:
        """Store a new flow with its accounts."""
        file_account, asm_account = flows.file_account(), flows.asm_account()
        accounts = {"file_account_id": file_account.id, "asm_account_id": asm_account.id}
        flow = flows.flow(**accounts, **changes)
        self.stores.create(file_account, asm_account, flow)
        return flow

    def update(self, flow: Flow, after: timedelta = timedelta(), **changes: Any) -> Flow:
        """Store a flow with changes, and return it as it is stored."""
        changed = flow.model_copy(update=changes)
        self.stores.accounts.commit(change(updates=(changed,), at=flows.AT + after))
        return changed.model_copy(update={"version": flow.version + 1})

    def watch(self, flow: Flow) -> Watch | None:
        return next((watch for watch in self.notices.watches() if watch.flow_id == flow.id), None)


@pytest.fixture(params=["fake", "dynamodb"])
def board(request: pytest.FixtureRequest) -> Board:
    if request.param == "fake":
        stores = Stores.fake()
        assert isinstance(stores.accounts, FakeAccountStore)
        return Board(stores, FakeNoticeStore(stores.accounts))
    stack = request.getfixturevalue("stack")
    with environment(stack.endpoint, stack.region):
        return Board(Stores.in_dynamodb(stack), DynamoNoticeStore(stack.outputs["AccountTable"]))


def test_a_notice_begins_again_until_it_is_sent_and_never_after_that(board: Board) -> None:
    flow = flows.unique("flow")

    assert board.begin(flow, "run-1")
    assert board.begin(flow, "run-1", MINUTE)
    board.sent(flow, "run-1")
    assert not board.begin(flow, "run-1", 2 * MINUTE)
    assert not board.begin(flow, "run-1", 3 * HOUR)


def test_another_notice_of_the_kind_waits_until_it_is_quiet_no_more(board: Board) -> None:
    flow = flows.unique("flow")
    board.begin(flow, "run-1")

    assert not board.begin(flow, "run-2", HOUR - MINUTE)
    assert board.begin(flow, "run-2", HOUR)
    assert not board.begin(flow, "run-3", HOUR + MINUTE)
    assert board.begin(flows.unique("flow"), "run-3", HOUR + MINUTE)


def test_what_was_sent_late_does_not_count_for_the_next(board: Board) -> None:
    flow = flows.unique("flow")
    board.begin(flow, "run-1")
    board.begin(flow, "run-2", HOUR)

    board.sent(flow, "run-1")

    assert board.begin(flow, "run-2", HOUR + MINUTE)


def test_a_flow_is_watched_as_long_as_it_is_on_and_expects_an_upload(board: Board) -> None:
    flow = board.create(expected_by="06:00", time_zone="Europe/Berlin")
    assert board.watch(flow) == Watch(flow.id, flow.organization_id, "Europe/Berlin", "06:00", flows.AT)

    flow = board.update(flow, HOUR, expected_by="07:30")
    assert board.watch(flow) == Watch(flow.id, flow.organization_id, "Europe/Berlin", "07:30", flows.AT + HOUR)

    flow = board.update(flow, enabled=False)
    assert board.watch(flow) is None
    flow = board.update(flow, enabled=True)
    assert board.watch(flow) is not None
    board.stores.accounts.commit(change(removes=(flow,)))
    assert board.watch(flow) is None
    assert board.watch(board.create()) is None


def test_a_day_is_judged_once_and_a_change_of_the_flow_opens_it_again(board: Board) -> None:
    flow, day = board.create(expected_by="06:00"), date(2026, 10, 2)

    board.notices.judged(flow.id, day)
    watch = board.watch(flow)
    assert watch is not None
    assert watch.done_on == day

    flow = board.update(flow, expected_by="07:00")
    watch = board.watch(flow)
    assert watch is not None
    assert watch.done_on is None


def test_a_flow_that_is_watched_no_more_stays_so(board: Board) -> None:
    flow = board.create()

    board.notices.judged(flow.id, date(2026, 10, 2))

    assert board.watch(flow) is None


def test_a_run_that_waits_is_known_until_it_is_forgotten(board: Board) -> None:
    run = flows.unique("run")
    held = HeldRun(run, flows.AT)

    board.notices.note_held(held)
    board.notices.note_held(held)

    assert held not in board.notices.held(flows.AT - MINUTE)
    assert [one for one in board.notices.held(flows.AT) if one.run_id == run] == [held]
    for _ in range(2):
        board.notices.forget_held(run)
    assert held not in board.notices.held(flows.AT)


def test_ses_gets_the_notice_for_all_addresses(stack: StackUnderTest) -> None:
    addresses = [f"{flows.unique('a')}@example.org", "b@example.org"]

    with environment(stack.endpoint, stack.region):
        mail = SesNotifications("rosterbridge@example.org")
        mail.subscribe(addresses[0])
        mail.send(addresses, NOTICE)

    (sent,) = [found for found in mails(stack) if found["To"] == addresses]
    assert (sent["Source"], sent["Subject"]) == ("rosterbridge@example.org", NOTICE.subject)
    assert sent["BodyText"] == NOTICE.text


def mails(stack: StackUnderTest) -> list[dict[str, Any]]:
    """Return what SES was given."""
    with urllib.request.urlopen(f"{stack.endpoint}/_ministack/ses/messages", timeout=10) as answer:  # noqa: S310
        accounts: dict[str, list[dict[str, Any]]] = json.load(answer)["messages"]
    return [mail for messages in accounts.values() for mail in messages]


def test_sns_subscribes_an_address_once_to_what_names_it(stack: StackUnderTest) -> None:
    sns, sqs = stack.client("sns"), stack.client("sqs")
    topic = sns.create_topic(Name=flows.unique("notices"))["TopicArn"]
    queue = sqs.create_queue(QueueName=flows.unique("heard"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"FilterPolicy": json.dumps({"addresses": ["a@example.org"]}), "RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=policy)

    with environment(stack.endpoint, stack.region):
        way = SnsNotifications(topic)
        for address in ("a@example.org", "b@example.org", "a@example.org"):
            way.subscribe(address)
        way.send(["b@example.org"], NOTICE)
        way.send(["a@example.org", "b@example.org"], Notice(KIND, NOTICE.subject, "for a, too"))

    named = [found["Endpoint"] for found in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]]
    assert sorted(named) == sorted([arn, "a@example.org", "b@example.org"])
    heard = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=2)["Messages"]
    assert [message["Body"] for message in heard] == ["for a, too"]
    assert way.unsubscribe({"b@example.org", "nobody@example.org"}) == 1
    named = [found["Endpoint"] for found in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]]
    assert sorted(named) == sorted([arn, "a@example.org"])
    sns.delete_topic(TopicArn=topic)
    sqs.delete_queue(QueueUrl=queue)


def test_an_outcome_holds_a_run_and_nothing_else(stack: StackUnderTest) -> None:
    sqs = stack.client("sqs")
    queue = sqs.create_queue(QueueName=flows.unique("outcomes"))["QueueUrl"]

    with environment(stack.endpoint, stack.region):
        SqsOutcomes(queue).tell("0123456789abcdef0123456789abcdef")

    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"]
    assert json.loads(message["Body"]) == {"run_id": "0123456789abcdef0123456789abcdef"}
    sqs.delete_queue(QueueUrl=queue)
