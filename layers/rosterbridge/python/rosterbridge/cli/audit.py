"""``audit``: who did what, when and from where."""

from __future__ import annotations

from rosterbridge.cli.output import merged, moment, print_table, shown
from rosterbridge.cli.terminal import say
from rosterbridge.cli.verbs import AllOption, Call, CursorOption, LimitOption, noun, verb

audit_app = noun()

COLUMNS = {
    "when": lambda entry: moment(entry["at"]),
    "who": "actor",
    "role": "role",
    "from": "source_ip",
    "did": "action",
    "to": lambda entry: f"{entry['kind']} {entry['target_id']}",
    "fields": lambda entry: shown(entry["fields"]),
}


@verb(audit_app, "list")
def list_entries(call: Call, limit: LimitOption = 20, cursor: CursorOption = None, every: AllOption = False) -> None:
    """List who did what in the organization, newest first."""
    found = merged(call.api.pages(call.path("audit"), limit=None if every else limit, cursor=cursor))
    call.show(found, lambda page: print_table(page["items"], COLUMNS, none="nothing yet"))
    if found["cursor"] and not call.as_json:
        say(f"… more: --cursor {found['cursor']}")
