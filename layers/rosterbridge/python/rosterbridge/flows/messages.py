"""The one sentence that tells a school administrator what a code means and what to do; see ``docs/errors.md``."""

from __future__ import annotations

FAILURES = {
    "asm-unreachable": "Apple's server could not be reached; Rosterbridge tries again by itself.",
    "asm-connection-lost": "The connection to Apple's server broke off; Rosterbridge tries again by itself.",
    "asm-timed-out": "Apple's server stopped answering; Rosterbridge tries again by itself.",
    "asm-storage-refused": "Apple's server did not take the file; Rosterbridge tries again by itself.",
    "asm-size-differs": "Apple's server got a file of another size; Rosterbridge tries again by itself.",
    "asm-circuit-open": (
        "Apple's server was away for others at this time, so it was not asked; Rosterbridge tries again by itself."
    ),
    "dry-run-interrupted": "The dry run broke off, and nothing was changed by it: start it again.",
    "host-not-public": (
        "The host of this connection leads to an address that is not on the public internet, so nothing was sent: "
        "correct the host in the ASM account."
    ),
    "host-malformed": "The host of this connection is no name of a host: correct it in the ASM account.",
    "asm-sign-in-refused": (
        "Apple School Manager refused the user name or password of this connection: "
        "get a new password in Apple School Manager and enter it in the ASM account."
    ),
    "asm-host-key-refused": (
        "Apple's server showed another host key than the accepted one: "
        "check with Apple before you accept the new key in the ASM account."
    ),
    "asm-algorithms-refused": "Apple's server offers no encryption that Rosterbridge accepts: tell your operator.",
    "asm-folder-missing": "The folder of the ASM account does not exist on Apple's server: correct it in the account.",
    "flow-missing": "The flow of this upload no longer exists: create it again and upload again.",
    "flow-switched-off": "This flow is switched off, so nothing was sent. Switch it on and upload again.",
    "too-many-uploads": (
        "This account has uploaded too many files today, so nothing of this one was sent: "
        "upload again tomorrow, or ask your operator for a higher limit."
    ),
    "too-many-bytes": (
        "This account has uploaded too much today, so nothing of this file was sent: "
        "upload again tomorrow, or ask your operator for a higher limit."
    ),
    "upload-too-large": (
        "This file is too large, so nothing of it was sent: zip only the roster's CSV files and upload again."
    ),
    "asm-account-missing": "The ASM account of this flow no longer exists: connect it again and upload again.",
    "run-missing": "The record of this run is gone: upload again.",
    "object-missing": "The uploaded file is gone: upload it again.",
    "conversion-differs": "Conversion disagreed with validation: tell your operator.",
    "run-ended": "The run had ended already, so this step did nothing: upload again.",
    "secret-unreadable": "The stored password of the ASM account cannot be opened: enter it again in the account.",
    "run-overtaken": (
        "A newer upload of this flow has overtaken this one, so this one was not sent: the newer one counts."
    ),
    "delta-overtaken": (
        "A newer upload was taken before this delta package, whose changes it need not have: "
        "upload a full (bulk) package."
    ),
    "full-set-expired": "The full set that this delta package changes is gone: upload a full (bulk) package.",
    "lane-lost": "Another upload of this flow was sent meanwhile; Rosterbridge tries again by itself.",
    "file-emptied": "A file would become empty at Apple's side: make sure that nothing is missing.",
    "too-many-removed": "More rows of a file would be removed than the flow allows: look at the list of changes first.",
    "too-many-changed": "More rows of a file would be changed than the flow allows: look at the list of changes first.",
    "additions-only": "On this day the flow allows additions only: upload later, or approve.",
    "blackout": "On this day the flow allows nothing to be sent: upload later, or approve.",
    "hold-rejected": "This upload was held and then rejected, so nothing of it was sent: upload a better file.",
    "hold-expired": "Nobody approved this upload in time, so nothing of it was sent: upload again.",
    "username-taken": "Another file account has this user name: choose another one.",
    "project-missing": "This organization has no such project: choose one of its projects.",
    "settings-wrong": "Rosterbridge is not set up completely: tell your operator.",
    "host-keys-unreadable": (
        "The secret with the host keys of the SFTP endpoint holds something else than private keys that AWS takes: "
        "put them there as OpenSSH writes them, without a passphrase, and install them again."
    ),
    "host-key-repeated": (
        "The secret with the host keys of the SFTP endpoint holds two of one kind, of which a server shows one: "
        "leave one there and install them again."
    ),
    "aws-refused": "AWS refused what Rosterbridge asked of it: tell your operator.",
    "aws-unreachable": "AWS could not be reached; Rosterbridge tries again by itself.",
    "unexpected-error": "Rosterbridge met an error that it does not know: tell your operator.",
    "gave-up": "Rosterbridge tried again as often as it may and gave up: upload again once the other side is back.",
    "step-stopped": "A step stopped before it was done: upload again, and tell your operator if that does not help.",
    "run-stopped": "The run was stopped from outside or by its time limit: upload again, or ask your operator.",
}


def message(code: str) -> str:
    """Return the sentence for ``code``; for an unknown one, a sentence that names it."""
    return FAILURES.get(code, f"The run failed ({code}): tell your operator.")
