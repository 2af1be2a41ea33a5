"""What schemathesis finds and is no fault, each with its reason. Anything else fails the run.

All of them are requests that the document permits and the API refuses by what it knows and no schema says. An
exception names the refusal exactly: the code of the problem, or the code of each field with its name.
"""

import atexit
import re
from collections import Counter
from dataclasses import dataclass

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure


@dataclass(frozen=True)
class Exemption:
    name: str
    reason: str
    # Codes of fields that are not valid, or of the problem itself.
    codes: tuple[str, ...]
    # Which parameters and members, by a pattern for the whole name.
    places: str = ".*"


EXCEPTIONS = (
    Exemption(
        "opaque cursors",
        "Cursors come from answers: the document says how they look and not which there are, and one belongs "
        "to the list and the filters that it was made for.",
        ("invalid_value", "cursor_mismatch"),
        "cursor|Last-Event-ID|",
    ),
    Exemption(
        "words of filters",
        "A mistyped filter must not be an empty list, so filters take the words that there are. The set "
        "grows, so the document names them without limiting the parameter to them.",
        ("invalid_value", "unknown_policy_type", "unknown_category", "foundation"),
        "policy_type|category|platform|type|action|/policy_types/[0-9]+|/categories/[0-9]+|/event_types/[0-9]+",
    ),
    Exemption(
        "members that exclude or need each other",
        "Whether one may be given depends on another; OpenAPI has no words for parameters, and for bodies only "
        "unions, of which generators of clients make types that nobody can read.",
        ("conflict", "incomplete", "time_and_cron", "missing", "not_with_cursor", "selects_nothing"),
    ),
    Exemption(
        "things that do not exist",
        "A version, notification or time zone of the right form need not exist.",
        ("no_such_version", "unknown_notification", "unknown_zone"),
    ),
    Exemption(
        "times",
        "A time of the right form may be one that the calendar or the clock does not have, or the future.",
        ("invalid_value", "bad_time"),
        "as_of|since|(created|occurred)_(after|before)|/time",
    ),
    Exemption(
        "addresses of receivers",
        "Nothing is sent to networks that are not public, or without TLS: no pattern describes such addresses.",
        ("refused_address",),
        "/url",
    ),
    Exemption(
        "cron expressions",
        "No pattern describes what a cron expression means, or how often it is due.",
        ("bad_cron", "never_fires", "too_often"),
    ),
    Exemption(
        "keys of other requests",
        "The same key with another request is refused: whether it was used is not seen in it.",
        ("idempotency_key_reused",),
        "",
    ),
)

# To OpenAPI 3.1 a stream is a text. Schemathesis reads its messages and compares each, an object, with that.
STREAMS = "messages of streams"
STREAM_FAILURE = "SSE event violates schema"

used: Counter[str] = Counter()


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Whether the failure counts."""
    if failure.title == STREAM_FAILURE:
        used[STREAMS] += 1
        return False
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    problem = response.json()
    refused = [
        (error["code"], error.get("parameter") or error.get("pointer") or "")
        for error in problem.get("errors", [])
    ] or [(problem["code"], "")]
    names = [name for code, place in refused if (name := exception(code, place))]
    if len(names) < len(refused):
        return True
    used.update(set(names))
    return False


def exception(code: str, place: str) -> str | None:
    for one in EXCEPTIONS:
        if code in one.codes and re.fullmatch(one.places, place):
            return one.name
    return None


@atexit.register
def report() -> None:
    for name in [*(one.name for one in EXCEPTIONS), STREAMS]:
        print(f"exception: {name}: {used[name]} requests")
