"""How the command line speaks HTTP, and how often it asks again where a service is away."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from time import sleep
from typing import TYPE_CHECKING

from rosterbridge.cli.deployment import is_loopback
from rosterbridge.cli.terminal import errors
from rosterbridge.errors import TransientError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    import httpx

SECONDS = 35.0  # API Gateway gives up after 30
PAUSES = (1, 2, 4)  # seconds before each repeat, unless the service says how long
MAX_PAUSE = 10  # nobody wants to watch longer
BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class NoAnswerError(TransientError):
    """No answer came; ``unheard`` says whether the request may have been fulfilled all the same."""

    def __init__(self, detail: str, *, unheard: bool) -> None:
        super().__init__("unreachable", detail)
        self.unheard = unheard


def http_client(base_url: str, headers: Mapping[str, str] | None = None) -> httpx.Client:
    """Return a client for one server; the machine's proxy is passed by for servers of this machine."""
    import httpx

    return httpx.Client(
        base_url=base_url,
        headers={"User-Agent": "rosterbridge", **(headers or {})},
        timeout=SECONDS,
        trust_env=not is_loopback(base_url),
        verify=_trusted(),
    )


@cache
def _trusted() -> ssl.SSLContext:
    """Return what servers are trusted by; to read all those certificates takes longer than most requests."""
    import httpx

    return httpx.create_ssl_context()


def send(client: httpx.Client, method: str, path: str, **more: object) -> httpx.Response:
    """Send a request; raises NoAnswerError ``unreachable`` where no answer comes."""
    import httpx

    try:
        return client.request(method, path, **more)  # type: ignore[arg-type]
    except httpx.HTTPError as error:
        host = client.base_url.host
        hint = "; is `make run` still up?" if is_loopback(str(client.base_url)) else ""
        unheard = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
        raise NoAnswerError(f"{host} gives no answer ({type(error).__name__}){hint}", unheard=unheard) from None


def patiently(ask: Callable[[], httpx.Response]) -> tuple[httpx.Response, bool]:
    """Ask again, up to three times, where no answer comes or the service is busy; each repeat is told on stderr.

    Returns the last answer, and whether an earlier try may have been fulfilled unheard. Raises what ``ask`` raises.
    """
    unheard = False
    for usual in PAUSES:
        try:
            answer = ask()
        except NoAnswerError as error:
            pause, why = usual, error.detail
            unheard = unheard or error.unheard
        else:
            pause = retry_after(answer) or usual
            if answer.status_code not in BUSY or pause > MAX_PAUSE:
                return answer, unheard
            why = f"the service answers {answer.status_code}"
            # behind a 503 may be a function that only took too long
            unheard = unheard or answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        errors.print(f"{why}: asking again in {pause} s", style="yellow", markup=False, highlight=False, soft_wrap=True)
        sleep(pause)
    return ask(), unheard


def retry_after(answer: httpx.Response) -> int | None:
    """Return the seconds after which a service wants to be asked again; None where it does not say."""
    told = answer.headers.get("Retry-After", "")
    return int(told) if told.isascii() and told.isdigit() else None
