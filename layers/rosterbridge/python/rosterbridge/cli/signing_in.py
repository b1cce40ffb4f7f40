"""``sign-in`` and ``sign-out``, and the token that every other command needs."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

import typer

from rosterbridge.cli.deployment import ApiOption, Deployment, Pool, find_deployment, pool_of
from rosterbridge.cli.output import answering, print_object
from rosterbridge.cli.session import Session, SessionStore, Tokens
from rosterbridge.cli.terminal import JsonOption, errors, refuse_usage, say
from rosterbridge.errors import PermanentError, RosterbridgeError

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
]


@dataclass
class Access:
    """The right to use a deployment's API, kept valid as long as Cognito allows."""

    deployment: Deployment
    store: SessionStore

    @cached_property
    def session(self) -> Session:
        """The session; where the local stack knows its users' passwords, somebody is always signed in.

        Raises PermanentError ``signed-out``.
        """
        kept = self.store.load(self.deployment.api)
        return kept if kept and self.deployment.pool in {None, kept.pool} else self._anew()

    def token(self, *, renew: bool = False) -> str:
        """Return an ID token that is valid for a while; raises PermanentError ``signed-out``."""
        if renew or self.session.tokens.ending:
            self.session = self._renewed(self.session)
        return self.session.tokens.id_token

    def _renewed(self, session: Session) -> Session:
        from rosterbridge.cli.cognito import CognitoError, refresh

        try:
            session = replace(session, tokens=refresh(session.pool, session.tokens))
        except CognitoError:
            return self._anew()
        self.store.save(session)
        return session

    def _anew(self) -> Session:
        for username in self.deployment.passwords:
            return sign_in(self.deployment, self.store, username)
        raise PermanentError("signed-out", "you are not signed in (any more): rosterbridge sign-in")


def find_access(api: str | None) -> Access:
    """Return the access to the deployment that is meant."""
    store = SessionStore()
    return Access(find_deployment(api, store.last), store)


def sign_in(
    deployment: Deployment,
    store: SessionStore,
    username: str,
    *,
    password: str | None = None,
    second_factor: bool = False,
    chosen: bool = False,
) -> Session:
    """Sign in, asking what has to be asked, and keep the session."""
    from rosterbridge.cli.cognito import SignIn

    pool = deployment.pool or _ask_for_pool(deployment.api)
    ask = Asked(password or deployment.passwords.get(username))
    tokens = SignIn(pool, username, ask).sign_in(second_factor=second_factor)
    me = _me(deployment.api, tokens)
    session = Session(deployment.api, pool, username, tokens, str(me["role"]), me["organization_id"])
    store.save(session, chosen=chosen)
    return session


def _ask_for_pool(api: str) -> Pool:
    """Ask the API where its users sign in, which it tells everybody."""
    from rosterbridge.cli.api_client import problem_of
    from rosterbridge.cli.http import http_client, patiently, send

    with http_client(api) as client:
        answer, _ = patiently(lambda: send(client, "GET", "/v1/sign-in"))
    if not answer.is_success:
        raise problem_of(answer)
    return pool_of(answer.json(), api)


def _me(api: str, tokens: Tokens) -> dict[str, str | None]:
    """Ask the API who that is, which proves also that it takes the token."""
    from rosterbridge.cli.api_client import problem_of
    from rosterbridge.cli.http import http_client, patiently, send

    with http_client(api, {"Authorization": f"Bearer {tokens.id_token}"}) as client:
        answer, _ = patiently(lambda: send(client, "GET", "/v1/me"))
    if not answer.is_success:
        raise problem_of(answer)
    me = answer.json()
    return {"role": me["role"], "organization_id": me["organization_id"]}


class Asked:
    """Asks at the terminal; a password that is known already is not asked for."""

    def __init__(self, password: str | None) -> None:
        self._password = password

    def password(self) -> str:
        """Return the password."""
        return self._password or ask_secret("Password")

    def new_password(self, complaint: str) -> str:
        """Return a password of the user's own choice, typed twice."""
        errors.print(complaint or "This password was for the first sign-in: choose your own.", markup=False)
        return ask_secret("New password", confirm=True)

    def code(self, complaint: str) -> str:
        """Return the code that the authenticator app shows now."""
        if complaint:
            errors.print(complaint, markup=False)
        code: str = typer.prompt("Code of your authenticator app", err=True)
        return code.replace(" ", "")

    def show_secret(self, secret: str, uri: str) -> None:
        """Show the secret as text, and as a QR code where somebody looks."""
        errors.print("Add Rosterbridge to your authenticator app, by this QR code or this key:", markup=False)
        if sys.stderr.isatty():
            import segno

            segno.make(uri, micro=False).terminal(out=sys.stderr, compact=True)
        errors.print(f"  {secret}", markup=False, highlight=False, soft_wrap=True)


def ask_secret(what: str, *, confirm: bool = False) -> str:
    """Ask for a secret, which is not shown."""
    secret: str = typer.prompt(what, hide_input=True, confirmation_prompt=confirm, err=True)
    return secret


def read_secret() -> str:
    """Return the first line of standard input."""
    secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise refuse_usage("there is no password on standard input")
    return secret


def sign_in_command(
    username: Annotated[
        str | None, typer.Option("--username", help="Your e-mail address; locally the stack's administrator.")
    ] = None,
    api: ApiOption = None,
    password_stdin: PasswordStdin = False,
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="Also set up an authenticator app, if you have none yet.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Sign in with your password, and the code of your authenticator app if you have one."""
    with answering(as_json=as_json):
        access = find_access(api)
        username = username or next(iter(access.deployment.passwords), None) or typer.prompt("User name", err=True)
        password = read_secret() if password_stdin else None
        session = sign_in(
            access.deployment, access.store, username, password=password, second_factor=second_factor, chosen=True
        )
        if as_json:
            print_object({name: getattr(session, name) for name in ("api", "username", "role", "organization_id")})
        else:
            where = f" of {session.organization_id}" if session.organization_id else ""
            say(f"signed in to {session.api} as {session.username}, {session.role}{where}")


def sign_out_command(api: ApiOption = None, as_json: JsonOption = False) -> None:
    """End your session, here and at the user pool."""
    with answering(as_json=as_json):
        access = find_access(api)
        session = access.store.load(access.deployment.api)
        access.store.forget(access.deployment.api)
        if session:
            _revoke(session)
        if as_json:
            print_object({"api": access.deployment.api})
        else:
            say(f"signed out of {access.deployment.api}" if session else "you were not signed in")


def _revoke(session: Session) -> None:
    from rosterbridge.cli.cognito import revoke

    try:
        revoke(session.pool, session.tokens)
    except RosterbridgeError as error:
        errors.print(f"Forgotten here, but not ended at the user pool: {error}", style="yellow", markup=False)
