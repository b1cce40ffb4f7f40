"""Flows: made from a template, with accounts that exist or that are created with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rosterbridge.flows.access import Caller
from rosterbridge.flows.asm_accounts import AsmAccounts, NewAsmAccount
from rosterbridge.flows.changes import Changes, given_only, inside, new_id
from rosterbridge.flows.file_accounts import FileAccounts, NewFileAccount
from rosterbridge.flows.models import (
    AsmAccount,
    FileAccount,
    Flow,
    GuardRules,
    Model,
    Name,
    Project,
    Template,
    Thing,
    TimeOfDay,
    TimeZone,
)
from rosterbridge.flows.ports import Change, Request
from rosterbridge.flows.templates import FlowTemplate, default_options, flow_templates
from rosterbridge.roster.options import ConversionOptions


class NewFlow(Model):
    """A flow to be created; each account is the id of one of the organization's, or a new one.

    Without ``options`` it gets the template's.
    """

    project_id: str
    name: Name
    template: Template
    file_account: str | NewFileAccount
    asm_account: str | NewAsmAccount
    options: ConversionOptions | None = None
    enabled: bool = True
    guard: GuardRules = GuardRules()
    time_zone: TimeZone = "UTC"
    expected_by: TimeOfDay | None = None


@dataclass(frozen=True)
class CreatedFlow:
    """The flow and its accounts, with the password of a new file account, which is shown this once."""

    flow: Flow
    file_account: FileAccount
    asm_account: AsmAccount
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Flows:
    """What can be done with flows."""

    changes: Changes
    file_accounts: FileAccounts
    asm_accounts: AsmAccounts

    @staticmethod
    def templates() -> Sequence[FlowTemplate]:
        """Return the templates from which a flow can be made."""
        return flow_templates()

    def list(self, caller: Caller, organization_id: str, project_id: str | None = None) -> Sequence[Flow]:
        """Return the flows of the organization, or of one project of it, in the order of their creation."""
        self.changes.enter(caller, organization_id)
        if project_id is not None:
            self.changes.find(Project, organization_id, project_id)
        flows = self.changes.accounts.list(Flow, organization_id)
        return [flow for flow in flows if project_id in {None, flow.project_id}]

    def get(self, caller: Caller, organization_id: str, flow_id: str) -> Flow:
        """Return a flow; raises NotFoundError ``flow-missing``."""
        caller.check_organization(organization_id)
        return self.changes.find(Flow, organization_id, flow_id)

    def create(self, caller: Caller, organization_id: str, new: NewFlow, request: Request | None = None) -> CreatedFlow:
        """Create a flow and the accounts that are new, all or nothing.

        Raises NotFoundError ``project-missing``, ``file-account-missing``, ``asm-account-missing``; ConflictError
        ``username-taken``, ``account-gone``; InvalidRequestError as ``FileAccounts`` and ``AsmAccounts`` do.
        """
        caller.check_organization(organization_id)
        if before := self.changes.repeated(request):
            return self._created_before(organization_id, before[-1])
        self.changes.find(Project, organization_id, new.project_id)
        created = self._build(organization_id, new)
        made: dict[str, Thing] = {}
        if not isinstance(new.file_account, str):
            made["file_account"] = created.file_account
        if not isinstance(new.asm_account, str):
            made["asm_account"] = created.asm_account
        change = Change(
            audit=self.changes.entry(caller, "create", created.flow, made),
            creates=(*made.values(), created.flow),
            request=request,
        )
        earlier = self.changes.commit(change)
        return _linked(created) if earlier is None else self._created_before(organization_id, earlier[-1])

    def update(
        self,
        caller: Caller,
        organization_id: str,
        flow_id: str,
        version: int,
        *,
        name: str | None = None,
        enabled: bool | None = None,
        options: ConversionOptions | None = None,
        guard: GuardRules | None = None,
        time_zone: str | None = None,
        expected_by: str | None = None,
    ) -> Flow:
        """Rename, switch on or off, or give other options; raises ConflictError ``version-changed``.

        An empty ``expected_by`` misses no upload any more.
        """
        caller.check_organization(organization_id)
        flow = self.changes.current(Flow, organization_id, flow_id, version)
        given = given_only(name=name, enabled=enabled, options=options, guard=guard, time_zone=time_zone)
        if expected_by is not None:
            given["expected_by"] = expected_by or None
        return self.changes.update(caller, flow, given)

    def delete(self, caller: Caller, organization_id: str, flow_id: str, version: int) -> None:
        """Delete the flow; its accounts and its history stay. Raises ConflictError ``version-changed``."""
        caller.check_organization(organization_id)
        self.changes.remove(caller, self.changes.current(Flow, organization_id, flow_id, version))

    def _build(self, organization_id: str, new: NewFlow) -> CreatedFlow:
        file_account, password = self._file_account(organization_id, new.file_account)
        asm_account = self._asm_account(organization_id, new.asm_account)
        flow = Flow(
            id=new_id("flow"),
            organization_id=organization_id,
            created_at=self.changes.now(),
            project_id=new.project_id,
            name=new.name,
            template=new.template,
            file_account_id=file_account.id,
            asm_account_id=asm_account.id,
            options=default_options(new.template) if new.options is None else new.options,
            enabled=new.enabled,
            guard=new.guard,
            time_zone=new.time_zone,
            expected_by=new.expected_by,
        )
        return CreatedFlow(flow, file_account, asm_account, password)

    def _file_account(self, organization_id: str, given: str | NewFileAccount) -> tuple[FileAccount, str | None]:
        if isinstance(given, str):
            return self.changes.find(FileAccount, organization_id, given), None
        with inside("file_account"):
            return self.file_accounts.build(organization_id, given)

    def _asm_account(self, organization_id: str, given: str | NewAsmAccount) -> AsmAccount:
        if isinstance(given, str):
            return self.changes.find(AsmAccount, organization_id, given)
        with inside("asm_account"):
            return self.asm_accounts.build(organization_id, given)

    def _created_before(self, organization_id: str, flow_id: str) -> CreatedFlow:
        flow = self.changes.find(Flow, organization_id, flow_id)
        return CreatedFlow(
            flow,
            self.changes.find(FileAccount, organization_id, flow.file_account_id),
            self.changes.find(AsmAccount, organization_id, flow.asm_account_id),
        )


def _linked(created: CreatedFlow) -> CreatedFlow:
    """Return the accounts as they are stored by now: with the flow that uses them."""
    used = {created.flow.id}
    file_account = created.file_account.model_copy(update={"flow_ids": created.file_account.flow_ids | used})
    asm_account = created.asm_account.model_copy(update={"flow_ids": created.asm_account.flow_ids | used})
    return replace(created, file_account=file_account, asm_account=asm_account)
