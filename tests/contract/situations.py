"""What every provider's vectors must show, whatever the vendor: the list an author is held to.

Nothing here is a key of its own: a situation is known by its answers and its outcome. Beside
these the suite itself shows, with no vector: nobody listens (Unreachable), the same push twice,
redaction, every canned answer used, no other machine called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping
from functools import partial
from typing import Any

Vectors = Mapping[str, Any]

LOST = (
    ('no hand_over vector whose last answer is {"then": "hang"} ends in Unknown', ("hang",)),
    ('no hand_over vector whose last answer is {"then": "close"} ends in Unknown', ("close", "reset")),
)


def lacking(vectors: Vectors, outcomes: Container[str], causes: Collection[str]) -> list[str]:
    """What the vectors of one provider leave out, each as a sentence; empty when they are whole.

    ``outcomes`` and ``causes`` are the codes in the provider's two tables.
    """
    missing = [*_hand_overs(vectors, outcomes)]
    if "acknowledgement" in vectors:
        missing += _reports(vectors, causes)
    if "find" in vectors:
        missing += _findings(vectors)
    if "register" in vectors:
        missing += _reviews(vectors)
    for section, told in (("counted", "totals"), ("recorded", "records")):
        if section in vectors:
            missing += _books(vectors[section], section, told)
    return missing


def _hand_overs(vectors: Vectors, outcomes: Container[str]) -> Iterator[str]:
    answered = [end for case in vectors["hand_over"] if case["answers"] for end in case["outcomes"]]
    answered += [case["outcome"] for case in vectors["codes"]]
    ends = answered + [end for case in vectors["hand_over"] for end in case["outcomes"]]
    wire = _has_a_wire(vectors)
    for kind in ("Accepted", "Throttled", "Rejected") if wire else ("Accepted",):
        if not any(end["is"] == kind for end in ends):
            yield f"no hand_over vector ends in {kind}"
    if not wire:
        return
    if not any(end["is"] == "Rejected" and end["code"] not in outcomes for end in answered):
        yield "no vector has a code that is not in OUTCOMES: it ends in Rejected"
    for sentence, ways in LOST:
        if not any(_ends_unknown(vectors, partial(_breaks_off, how)) for how in ways):
            yield sentence
    if vectors.get("wire") != "smtp" and not _ends_unknown(vectors, _is_empty_success):
        yield "no hand_over vector whose last answer is a 2xx without a body ends in Unknown"


def _has_a_wire(vectors: Vectors) -> bool:
    return any("{url}" in value or "{port}" in value for value in vectors["settings"].values())


def _ends_unknown(vectors: Vectors, fits: Callable[[Mapping[str, Any]], bool]) -> bool:
    return any(
        case["answers"]
        and fits(case["answers"][-1])
        and any(end["is"] == "Unknown" for end in case["outcomes"])
        for case in vectors["hand_over"]
    )


def _breaks_off(how: str, answer: Mapping[str, Any]) -> bool:
    """After the body was written: an HTTP answer always comes then, of a mail the one to its end."""
    return bool(answer.get("then") == how and answer.get("at", "END") == "END")


def _is_empty_success(answer: Mapping[str, Any]) -> bool:
    success = 200 <= int(answer.get("status", 200)) < 300
    return success and not answer.get("body") and not answer.keys() & {"json", "then"}


def _reports(vectors: Vectors, causes: Collection[str]) -> Iterator[str]:
    receipts = [one for case in vectors["parse"] for one in case["reports"] if one["is"] == "Receipt"]
    for word in ("delivered", "undelivered"):
        if not any(one["delivery"] == word for one in receipts):
            yield f"no parse vector has a receipt that is {word}"
    if not vectors.get("bad_reports"):
        yield "no bad_reports vector: a body that is none of the vendor's"
    for genuine, about in ((True, "one of the vendor's"), (False, "a forged one or a foreign address")):
        if not any(case["genuine"] is genuine for case in vectors.get("verify", ())):
            yield f"no verify vector with genuine {str(genuine).lower()}: {about}"
    told = vectors.get("causes", {})
    if "{code}" not in str(vectors.get("cause_push")):
        yield "no cause_push: one push of an undelivered message with {code} where the vendor's code stands"
    for code in sorted(set(causes) - set(told)):
        yield f"{code} stands in CAUSES and not in causes"
    if not any(cause == "unspecified" and code not in causes for code, cause in told.items()):
        yield "causes has no status nobody knows: a code outside CAUSES with unspecified"


def _findings(vectors: Vectors) -> Iterator[str]:
    if not any(case["finding"]["is"] == "Found" for case in vectors["find"]):
        yield "no find vector ends in Found"
    silent = [case for case in vectors["find"] if {"then": "hang"} in case["answers"][-1:]]
    if not any(case["finding"]["is"] == "CannotTell" for case in silent):
        yield 'no find vector whose last answer is {"then": "hang"} ends in CannotTell'


def _reviews(vectors: Vectors) -> Iterator[str]:
    for key, about in (("code", "a text that is taken"), ("refused", "a refusal"), ("unanswered", "silence")):
        if not any(key in case for case in vectors["register"]):
            yield f"no register vector has {key}: {about}"
    for section in ("review", "review_signature"):
        for state in ("pending", "approved", "refused"):
            if not any(case["review"]["state"] == state for case in vectors.get(section, ())):
                yield f"no {section} vector ends in {state}"


def _books(cases: Collection[Vectors], section: str, told: str) -> Iterator[str]:
    if not any(case.get(told) for case in cases):
        yield f"no {section} vector has {told}: a day that the vendor tells of"
    if not any("unanswered" in case and {"then": "hang"} in case["answers"][-1:] for case in cases):
        yield f'no {section} vector whose last answer is {{"then": "hang"}} ends in unanswered'
