"""The last step: the ZIP goes to Apple, one run of a flow at a time, never an older one after a newer one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rosterbridge.errors import (
    ConfigurationError,
    NotFoundError,
    RosterbridgeError,
    TransientError,
)
from rosterbridge.flows.delivery_ports import Delivery
from rosterbridge.flows.guarding import fingerprints_of, result_of
from rosterbridge.flows.holding import overtake
from rosterbridge.flows.lanes import LEASE, lane_object, position
from rosterbridge.flows.models import AsmAccount, Flow, Model, ObjectRef, Run, RunStatus, Sent
from rosterbridge.flows.ports import Claim, SecretBox, Waiting
from rosterbridge.flows.processing import OVERTAKEN
from rosterbridge.flows.step_work import Steps, Work
from rosterbridge.roster.report import counted


class Forwarding(Model):
    """What the state machine learns from forwarding; ``sent_bytes`` is the size at Apple's side.

    ``busy``: another run of the flow is being sent. ``stale``: Apple has something else by now than what the guard
    compared with.
    """

    outcome: Literal["sent", "busy", "superseded", "stale"]
    remote_name: str | None = None
    sent_bytes: int | None = None


OUTCOMES: dict[Claim, Literal["busy", "superseded", "stale"]] = {
    Claim.BUSY: "busy",
    Claim.OVERTAKEN: "superseded",
    Claim.STALE: "stale",
}


@dataclass(frozen=True)
class Forwarder(Steps):
    """Sends runs to Apple, each under its flow's lease."""

    waiting: Waiting
    delivery: Delivery
    secrets: SecretBox

    def forward(self, run_id: str) -> Forwarding:
        """Send the ZIP, and record what Apple has now; raises TransientError or PermanentError.

        Whatever happens in between, the next try finds out what is left to be done: the name at Apple's side is the
        run's own, so that sending again is writing the same once more, and only the holder of the lease sends.
        """
        run = self.run(run_id)
        now = self.now()
        claim = self.lanes.claim(run.flow_id, (position(run), run_id), run.compared, now, now + LEASE)
        if claim in OUTCOMES:
            return Forwarding(outcome=self._put_off(run, OUTCOMES[claim]))
        try:
            with self.step(run, "forward", RunStatus.FORWARDING) as work:
                size = self._send(work, is_sent=claim is Claim.SENT)
        except Exception:
            with suppress(RosterbridgeError):  # the lease ends by itself
                self.lanes.release(run.flow_id, run_id)
            raise
        overtake(self, self.waiting, run, self.lanes.get(run.flow_id))
        return Forwarding(outcome="sent", remote_name=remote_name(run_id), sent_bytes=size)

    def _put_off(
        self, run: Run, outcome: Literal["busy", "superseded", "stale"]
    ) -> Literal["busy", "superseded", "stale"]:
        if outcome == "superseded":
            with self.step(run, "forward", RunStatus.FORWARDING) as work:
                work.closed("superseded", OVERTAKEN)
        return outcome

    def _send(self, work: Work, *, is_sent: bool) -> int:
        run, account = work.run, self._asm_account(work.flow)
        local, name = work.fetch(result_of(run)), remote_name(run.id)
        size = local.stat().st_size
        server = {"host": account.host, "port": account.port, "folder": account.folder}
        work.requests(method="put", source=result_of(run).key, **server, name=name, bytes=size)
        response: dict[str, Any] = {"outcome": "stored"}
        if not is_sent:
            sent = self._keep(run)  # before: what fails after the delivery could not be told from a failed delivery
            response |= self._deliver(local, account, name)
            self._note_sent(run, sent)
        work.ended(outcome="succeeded", counts={"bytes": size}, message="Handed over to Apple.", response=response)
        converted = run.step("convert")
        work.produced(
            summary=f"Sent to Apple School Manager: {counted(converted.counts if converted else {})}.",
            delivered_to=f"{account.host}:{account.port}/{account.folder}/{name}",
        )
        return size

    def _deliver(self, local: Path, account: AsmAccount, name: str) -> dict[str, object]:
        password = self.secrets.decrypt(account.encrypted_password, organization_id=account.organization_id)
        return self.delivery.send(local, account, password, name)

    def _keep(self, run: Run) -> Sent:
        """Store what the flow's next runs need of this one, and return it."""
        fingerprints = lane_object(run, "fingerprints.parquet")
        self.objects.copy(fingerprints_of(run), fingerprints)
        return Sent(position=position(run), run_id=run.id, fingerprints=fingerprints, full_set=self._keep_full_set(run))

    def _note_sent(self, run: Run, sent: Sent) -> None:
        """Record what Apple has, and remove what was kept of the run before."""
        before = self.lanes.get(run.flow_id).sent
        if not self.lanes.note_sent(run.flow_id, sent):
            raise TransientError("lane-lost", run.id)
        for ref in (before.fingerprints, before.full_set) if before and before.run_id != run.id else ():
            if ref is not None:
                with suppress(RosterbridgeError):  # a file too many harms nobody; it goes with the flow
                    self.objects.delete(ref)

    def _keep_full_set(self, run: Run) -> ObjectRef | None:
        if run.full_set is None:
            return None
        kept = lane_object(run, "full-set.zip")
        try:
            self.objects.copy(run.full_set, kept)
        except NotFoundError:  # it was held for longer than files are kept
            return None
        return kept

    def _asm_account(self, flow: Flow) -> AsmAccount:
        account = self.accounts.get(AsmAccount, flow.organization_id, flow.asm_account_id)
        if account is None:
            raise ConfigurationError("asm-account-missing", flow.asm_account_id)
        return account


def remote_name(run_id: str) -> str:
    """Return the name that a run's ZIP has on Apple's server: plain ASCII, and the same for every try."""
    return f"rosterbridge-{run_id}.zip"
