"""How long a server that is overloaded is waited for, and the hub's client within these bounds."""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from attune.core.errors import AttuneError, one_line

# Seconds for the hub's answer before anything is downloaded.
ANSWER_WAIT = 10
# Seconds between one try of the hub's client and the next; it tries most things several times itself.
WAITS = (1.0, 2.0)
# The longest Retry-After that is waited for; the hub counts requests over five minutes.
LONGEST_WAIT = 300.0
# What a server answers that is overloaded or being restarted.
PASSING = (408, 429, 500, 502, 503, 504)
LATER = "try again later"
WITHOUT_XET = f"{LATER}, or with HF_HUB_DISABLE_XET=1 in the environment"

T = TypeVar("T")


class LongWait(AttuneError):
    """The server asks to wait longer than LONGEST_WAIT; the message is the reason alone, without address and advice."""


class StorageError(OSError):
    """The hub's Xet storage, which holds large files, did not give one."""


def bound_waits() -> None:
    """From now on what the hub's client asks for raises LongWait where a server asks for more than LONGEST_WAIT.

    The client resumes what was cut and waits for what passes, but as long as any server asks for.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    def check(answer: Any) -> None:
        seconds = _asked_for(answer.headers)
        if answer.status_code in PASSING and seconds > LONGEST_WAIT:
            raise LongWait(f"HTTP Error {answer.status_code}; the server asks to wait {seconds:,.0f} s")

    def client() -> Any:
        made = default_client_factory()
        made.event_hooks = made.event_hooks | {"response": [*made.event_hooks["response"], check]}
        return made

    set_client_factory(client)


def patiently(name: str, ask: Callable[[], T]) -> T:
    """What `ask`, a call of the hub's client, returns; it is called again after an error that may not happen again.

    name: of what it asks for, for the line that says so. Raises what the last of three calls does, and StorageError.
    """
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    for wait in WAITS:
        try:
            return _stored(ask)
        except HTTPError as error:
            seconds = wait
            if isinstance(error, HfHubHTTPError):
                if not is_passing(error):
                    raise
                seconds = max(wait, _asked_for(error.response.headers))
            print(f"{name}: {one_line(error)}; trying again in {seconds:.0f} s", file=sys.stderr, flush=True)
            time.sleep(seconds)
    return _stored(ask)


def _stored(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except RuntimeError as error:  # the Xet client's own errors are nothing more; it has tried several times by then
        raise StorageError(str(error)) from None


def waiting_helps(error: BaseException) -> str:
    """What to do about an error of the hub's client that may not happen again; empty for any other."""
    if isinstance(error, StorageError):
        return WITHOUT_XET
    return LATER if isinstance(error, LongWait) or is_passing(error) else ""


def is_passing(error: BaseException) -> bool:
    """Whether it is the hub's client's, for an answer of a server that is overloaded or being restarted."""
    from huggingface_hub.errors import HfHubHTTPError

    return isinstance(error, HfHubHTTPError) and error.response.status_code in PASSING


def client_errors() -> tuple[type[Exception], ...]:
    """What the hub's client raises once `bound_waits` was called.

    Proxies that it does not know are ValueErrors and ImportErrors, as are names that no repository has.
    """
    from huggingface_hub.errors import HTTPError

    return LongWait, OSError, HTTPError, ValueError, ImportError


def is_refused(error: BaseException) -> bool:
    """Whether it is the hub's client's, for what one may not have; the hub answers 401 for what does not exist, too."""
    from huggingface_hub.errors import HfHubHTTPError

    return isinstance(error, HfHubHTTPError) and error.response.status_code in (401, 403)


def retry_after(headers: Mapping[str, str] | Message) -> float:
    """The seconds that Retry-After asks for, as a number or as a date; 0 without it."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    with suppress(ValueError, OverflowError):
        until = parsedate_to_datetime(value)
        return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return 0.0


def _asked_for(headers: Mapping[str, str]) -> float:
    """The seconds that an answer of the hub asks for: by Retry-After, or until its count of requests begins anew."""
    from huggingface_hub.utils import parse_ratelimit_headers

    rate = parse_ratelimit_headers(headers)
    return max(retry_after(headers), rate.reset_in_seconds if rate and not rate.remaining else 0)
