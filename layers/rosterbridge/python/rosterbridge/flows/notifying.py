"""Who is told, and when: once of each thing, and of one kind of trouble at most once an hour in a flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rosterbridge.errors import RosterbridgeError
from rosterbridge.flows.models import Flow, Organization, Run, RunStatus
from rosterbridge.flows.notice_ports import HeldRun, Notice, NoticeStore, Notifications, Watch
from rosterbridge.flows.notices import Places, missed_notice, run_notice
from rosterbridge.flows.ports import AccountStore, RunFilter, RunStore
from rosterbridge.flows.result_files import ResultFiles

QUIET = timedelta(hours=1)


@dataclass(frozen=True)
class Notifier:
    """Sends notices to an organization's addresses; without ``notifications`` nobody is told anything."""

    accounts: AccountStore
    notices: NoticeStore
    notifications: Notifications | None
    now: Callable[[], datetime]

    def send(self, organization_id: str, flow_id: str, about: str, notice: Notice) -> bool:
        """Send a notice unless this was told already, or another one of its kind within the hour; return whether.

        What breaks off before it is noted as sent is sent again when it is repeated.
        """
        organization = self.accounts.get(Organization, organization_id, organization_id)
        if self.notifications is None or organization is None or not organization.notify:
            return False
        if organization.erasing_since is not None:
            return False
        now = self.now()
        if not self.notices.begin(flow_id, notice.kind, about, now, now + QUIET):
            return False
        self.notifications.send(organization.notify, notice)
        self.notices.sent(flow_id, notice.kind, about, now)
        return True


@dataclass(frozen=True)
class OutcomeTeller:
    """Tells how runs end and that they are held: by results in the home of the account, and by notices.

    ``count`` hears of each once it is told.
    """

    runs: RunStore
    results: ResultFiles
    notifier: Notifier
    places: Places
    count: Callable[[Run], None]

    def tell(self, run_id: str) -> bool:
        """Write the result and send the notice, if there is one; return whether it was sent.

        May be repeated. A run that is under way (again) by now has nothing to tell.
        """
        run = self.runs.get(run_id)
        if run is None or not (run.status.final or run.status is RunStatus.HELD):
            return False
        try:
            self.results.write(run)
        finally:  # a home that cannot be written keeps nobody from being told
            told = self._notify(run)
        self._note_hold(run)
        self.count(run)
        return told

    def _note_hold(self, run: Run) -> None:
        """Keep the list of runs that wait for somebody, by which those are found that wait too long."""
        if run.hold is None:
            return
        if run.status is RunStatus.HELD:
            self.notifier.notices.note_held(HeldRun(run.id, run.hold.since))
        else:
            self.notifier.notices.forget_held(run.id)

    def _notify(self, run: Run) -> bool:
        notice = run_notice(run, self.places)
        about = f"{run.id}#{run.status.value}"
        return notice is not None and self.notifier.send(run.organization_id, run.flow_id, about, notice)


@dataclass(frozen=True)
class UploadWatch:
    """Finds flows to which no upload came by the time of day at which they expect one; ``count`` hears of each."""

    accounts: AccountStore
    runs: RunStore
    notices: NoticeStore
    notifier: Notifier
    places: Places
    now: Callable[[], datetime]
    count: Callable[[], None]

    def check(self) -> int:
        """Judge each flow whose time has come, once a day; return how many notices were sent.

        What fails holds up no other flow, is tried again by the next check, and is raised at the end.
        """
        failures: list[RosterbridgeError] = []
        told = 0
        for watch in self.notices.watches():
            try:
                told += self._judge(watch)
            except RosterbridgeError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return told

    def _judge(self, watch: Watch) -> bool:
        day, due = last_due(watch, self.now())
        if (watch.done_on is not None and watch.done_on >= day) or watch.since > due:
            return False
        flow = self.accounts.get(Flow, watch.organization_id, watch.flow_id)
        missing = flow is not None and not self._came(flow, day)
        told = flow is not None and missing and self._miss(flow, day)
        self.notices.judged(watch.flow_id, day)
        if missing:
            self.count()
        return told

    def _came(self, flow: Flow, day: date) -> bool:
        """Tell whether an upload of the flow was received since the day began where the flow is."""
        midnight = datetime.combine(day, time(), ZoneInfo(flow.time_zone))
        wanted = RunFilter(flow.organization_id, flow.project_id, flow_id=flow.id, since=midnight)
        return bool(self.runs.page(wanted, limit=1).items)

    def _miss(self, flow: Flow, day: date) -> bool:
        notice = missed_notice(flow, day, self.places)
        return self.notifier.send(flow.organization_id, flow.id, day.isoformat(), notice)


def last_due(watch: Watch, now: datetime) -> tuple[date, datetime]:
    """Return the last day whose time of day has come by now in the flow's time zone, and that moment."""
    zone = ZoneInfo(watch.time_zone)
    by = time.fromisoformat(watch.expected_by)
    today = now.astimezone(zone).date()
    due = datetime.combine(today, by, zone)
    if due > now:
        today -= timedelta(days=1)
        due = datetime.combine(today, by, zone)
    return today, due
