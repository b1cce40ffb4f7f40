"""Every code that the API answers instead of what was asked, with its status, what it means and how to mend it."""

from __future__ import annotations

from typing import NamedTuple

UNAVAILABLE = "unavailable"
UNEXPECTED = "unexpected-error"
INVALID = "invalid-request"


class Code(NamedTuple):
    """A code's HTTP status, what is wrong, and what to do."""

    status: int
    title: str
    mend: str


CODES: dict[str, Code] = {
    "body-malformed": Code(
        400, "The body is not a JSON object in UTF-8.", "Send one JSON object, without NaN or Infinity."
    ),
    "id-token-required": Code(
        401, "There is no ID token, or another kind of token.", "Sign in and send the ID token, not the access token."
    ),
    "no-role": Code(
        403,
        "This user has no role yet, or no organization.",
        "Ask an operator to invite you again with a role and an organization.",
    ),
    "operators-only": Code(403, "Only an operator may do this.", "Ask your operator."),
    "not-found": Code(404, "The API has no such address.", "Compare the path with docs/openapi.json."),
    "organization-missing": Code(
        404, "There is no such organization, or it is not yours.", "Use the organization that GET /v1/me tells."
    ),
    "project-missing": Code(404, "This organization has no such project.", "List its projects."),
    "file-account-missing": Code(404, "This organization has no such file account.", "List its file accounts."),
    "asm-account-missing": Code(404, "This organization has no such ASM account.", "List its ASM accounts."),
    "flow-missing": Code(404, "This organization has no such flow.", "List its flows."),
    "dry-run-missing": Code(
        404, "This organization has no such dry run, or no longer.", "Start another one: each is kept for a day."
    ),
    "run-missing": Code(404, "This organization has no such run.", "List the runs of a project; old ones expire."),
    "user-missing": Code(404, "This organization has no such user.", "List its users."),
    "key-missing": Code(404, "This file account has no such key.", "Read the file account again."),
    "report-missing": Code(
        404, "This run has no report, or none any more.", "Wait until the run is validated, or run it again."
    ),
    "file-missing": Code(
        404, "This run has no such file, or none any more.", "Wait until the run is done, or upload the file again."
    ),
    "method-not-allowed": Code(405, "This address does not know the method.", "Use one that the header Allow names."),
    "account-gone": Code(
        409, "An account of the new flow was deleted meanwhile.", "Choose or create another account and try again."
    ),
    "data-expired": Code(409, "The saved data of this run have expired.", "Upload the file again."),
    "idempotency-key-reused": Code(
        409, "This Idempotency-Key was used for another request.", "Make a new key for each thing to be created."
    ),
    "flow-gone": Code(409, "The flow of this run was deleted.", "Create a flow and upload the file to it."),
    "flow-switched-off": Code(409, "The flow of this run is switched off.", "Switch the flow on first."),
    "in-use": Code(409, "Flows use this account.", "Delete the flows first."),
    "key-known": Code(409, "The account has this key already.", "Give another key, or keep this one."),
    "last-key": Code(
        409,
        "Without this key nobody could sign in.",
        "Add another key first, or switch the account to a password.",
    ),
    "organization-erasing": Code(
        409, "This organization is being erased with all that it has.", "Read how far it is: GET /v1/erasures."
    ),
    "own-user": Code(409, "You cannot remove yourself.", "Ask another operator."),
    "password-not-used": Code(
        409, "This account signs in by key.", "Switch its authentication to password, which makes one."
    ),
    "run-not-ended": Code(409, "The run has not ended yet.", "Wait until it has."),
    "run-not-held": Code(
        409, "This run does not wait for anybody, or no longer.", "Read the run again: it was decided, or overtaken."
    ),
    "too-many-dry-runs": Code(
        409,
        "Your organization has had its dry runs of today.",
        "Start the next one tomorrow, from 00:00 UTC on; or upload the file: nothing is sent that would do harm.",
    ),
    "too-many-keys": Code(409, "An account has at most 10 keys.", "Remove a key first."),
    "user-known": Code(409, "There is a user with this e-mail address.", "Use another address, or remove that user."),
    "username-taken": Code(409, "Another file account has this user name.", "Choose another user name."),
    "version-changed": Code(
        412, "The thing was changed since you read it.", "Read it again, and send its ETag as If-Match."
    ),
    "body-too-large": Code(413, "The body is larger than 256 KB.", "Send less at once."),
    "content-type-unsupported": Code(
        415, "The body is not said to be JSON.", "Send the header Content-Type: application/json."
    ),
    "cursor-invalid": Code(422, "This cursor is not one of this list.", "Start the list without a cursor."),
    "email-invalid": Code(422, "This is not an e-mail address.", "Correct the address."),
    "file-too-large": Code(
        422, "This file is too large for a dry run.", "Zip only the roster's CSV files, or upload it by SFTP."
    ),
    "host-key-needed": Code(
        422, "No host key is accepted yet.", "Test the connection, compare the key that it shows, and give that key."
    ),
    "host-malformed": Code(422, "This is not the name or address of a host.", "Give the host alone, without a scheme."),
    "asm-host-unresolved": Code(422, "The name of this host cannot be found.", "Correct the host's name."),
    "host-not-public": Code(
        422,
        "This host's address is not on the public internet.",
        "Give the host of Apple School Manager; only an operator can allow private addresses.",
    ),
    INVALID: Code(422, "The request does not have the form that it needs.", "Correct the fields listed in errors."),
    "key-expired": Code(422, "The key would be expired already.", "Give a time to come, or none."),
    "key-malformed": Code(422, "This is not a public key of OpenSSH.", "Paste one line of a file that ends in .pub."),
    "key-needed": Code(422, "There is no key to sign in with.", "Add a public key that has not expired."),
    "key-too-short": Code(422, "This RSA key is too short.", "Make one of at least 3072 bits, or an Ed25519 key."),
    "key-type-refused": Code(422, "Keys of this type are not accepted.", "Make an Ed25519 key: ssh-keygen -t ed25519."),
    "limit-invalid": Code(422, "A page has 1 to 100 entries.", "Ask for as many."),
    "name-differs": Code(
        422, "This is not the organization's name.", "Give its name to the letter, to be sure which one is erased."
    ),
    "password-needed": Code(
        422,
        "Another host needs the password again.",
        "Send the password with the host, since the stored one goes to no other.",
    ),
    "private-key-given": Code(
        422,
        "This is a private key, which must never leave its owner.",
        "Make a new pair of keys, since this one has been shown, and give the file that ends in .pub.",
    ),
    "reason-invalid": Code(422, "A reason is one line of 1 to 500 characters.", "Say in one line why."),
    "too-many-host-keys": Code(422, "A connection has at most 10 host keys.", "Leave out those that are not in use."),
    "too-many-networks": Code(422, "An account has at most 50 networks.", "Use wider networks."),
    "value-invalid": Code(422, "A value does not have the form that it needs.", "Correct the field listed in errors."),
    "precondition-required": Code(
        428, "The header If-Match is missing.", "Read the thing first, and send its ETag as If-Match."
    ),
    "too-many-requests": Code(
        429, "Too many changes within a minute.", "Wait for the seconds that the header Retry-After tells."
    ),
    UNEXPECTED: Code(500, "Rosterbridge met an error that it does not know.", "Tell your operator when it happened."),
    UNAVAILABLE: Code(
        503, "Something that Rosterbridge needs is away or slow.", "Try again after the seconds of Retry-After."
    ),
}
