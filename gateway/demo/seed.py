"""Fill an instance with the demo city: citizens into our register, people and cards into the sandbox.

Runs again harmlessly: who is there stays. The mark it leaves keeps a database
with made-up people from ever being used with a real provider.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice

import urllib3
from sqlalchemy import Column, Connection, Integer, Table, insert, inspect, select, update

from gateway.channels import sms
from gateway.citizens import register
from gateway.config import Settings
from gateway.content import registration, shipped
from gateway.db import Db, Utc, metadata
from gateway.demo import city, identities
from gateway.demo.city import DEFAULT_SEED, Person
from gateway.errors import HuiyinError, SettingError
from gateway.providers import ReviewState
from gateway.runtime import Runtime

LUCKY = 7
EVERY, MOVED, MOVING = 9, 4, 3  # every ninth has a transfer; the first kinds of them go on in time
BATCH = 5_000  # people in one commit and one post: some 10 MB of memory
DIVISION = "4307"

demo_city = Table(
    "demo_city",
    metadata,
    Column("seed", Integer, primary_key=True, autoincrement=False),
    Column("citizens", Integer, nullable=False),
    Column("played", Integer, nullable=False),  # tours played: each takes another citizen
    Column("created_at", Utc, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """What there is after seeding, and how many are new."""

    citizens: int
    added: int


class SandboxError(HuiyinError):
    """The sandbox did not take the demo city's people; is it running?"""


def refuse_with_real_providers(settings: Settings, db: Db) -> None:
    """Raise ``SettingError`` where made-up people and real providers would meet."""
    if settings.demo:
        return
    with db.read() as tx:
        marked = inspect(tx).has_table(demo_city.name) and tx.execute(select(demo_city.c.seed)).first()
    if marked:
        raise SettingError(
            "This database holds the demo city, and a real provider is configured. "
            "Start with another --state or DATABASE_URL, or remove the provider's settings."
        )


def need_sandbox(settings: Settings) -> None:
    """Raise ``SettingError`` where no sandbox runs to take the city's people and cards."""
    if not settings.sandbox_url:
        raise SettingError(
            "The demo city needs the sandbox. Start python3 run.py without a real provider, "
            "then run this verb in a second terminal with the same --state."
        )


def seed(
    runtime: Runtime, count: int, number: int = DEFAULT_SEED, progress: Callable[[int], None] = lambda _: None
) -> Seeded:
    """Make the first ``count`` citizens of the city with this seed number; ``progress`` hears each batch."""
    need_sandbox(runtime.settings)
    http = urllib3.PoolManager(retries=False, timeout=60)
    added, later = 0, runtime.clock().date() - city.AS_OF
    for people in _batches(city.people(count, number)):
        _post_people(http, runtime.settings.sandbox_url, people, later)
        with runtime.db.write() as tx:
            added += register.add(tx, runtime.vault, [entry(person) for person in people])
            identities.give(tx, runtime, people)
            _mark(tx, runtime, number, count)
        progress(len(people))
    templates(runtime)
    with runtime.db.read() as tx:
        return Seeded(register.count(tx), added)


def _batches(people: Iterator[Person]) -> Iterator[Sequence[Person]]:
    while batch := list(islice(people, BATCH)):
        yield batch


def entry(person: Person) -> register.Entry:
    """A person as the register takes them in."""
    return replace(person, mobile=sms.normalise(person.mobile), sex=person.sex[0])  # type: ignore[arg-type]


def _post_people(http: urllib3.PoolManager, sandbox: str, people: Sequence[Person], later: timedelta) -> None:
    rows = (
        {
            "id_number": person.id_number,
            "name": person.name,
            "city": DIVISION,
            "card_number": person.card_number,
            "bank": person.bank,
            "card_state": "temp_lost" if _has_found(person) else person.card_state,
            **_pension(person, later),
            "transfers": _transfers(person),
        }
        for person in people
    )
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    try:
        answer = http.request("POST", f"{sandbox}/_sandbox/people", body=body)
    except urllib3.exceptions.HTTPError:
        raise SandboxError from None
    if answer.status != 200:
        raise SandboxError


def _pension(person: Person, later: timedelta) -> dict[str, object]:
    """What the pension registry knows of a pensioner; an ended pension has ended with a death.

    The city's days are as of ``city.AS_OF``; ``later`` moves them to today, so that who is due is due.
    """
    if person.pension_state is None:
        return {}
    return {
        "pension_status": person.pension_state,
        "pension_last_done": _day(person.pension_last_done, later),
        "pension_failed_on": _day(person.pension_failed_on, later),
        "pension_failure": person.pension_failure,
        "pension_flags": ["death"] if person.pension_state == "ended" else [],
    }


# How long ago each of these came to where it stands, in days; the last one stands still.
TRANSFERS: Sequence[Mapping[str, object]] = (
    {"from": "430100", "state": "old_place_processing", "days_ago": 6},
    {"from": "310115", "state": "accepted", "days_ago": 3},
    {"from": "440300", "state": "funds_received", "days_ago": 2},
    {"from": "420100", "state": "completed", "days_ago": 20},
    {"from": "330100", "state": "refused", "cause": "01", "days_ago": 1},
    {"from": "110105", "state": "letter_sent", "days_ago": 40},
)


def _transfer(person: Person) -> list[Mapping[str, object]]:
    return [TRANSFERS[person.index // EVERY % len(TRANSFERS)]] if _has_moved(person) else []


def _transfers(person: Person) -> list[Mapping[str, object]]:
    """What the transfer platform knows of whoever came from another place."""
    return [{**one, "to": f"{DIVISION}00"} for one in _transfer(person)]


def _day(day: date | None, later: timedelta) -> str | None:
    return (day + later).isoformat() if day else None


def _mark(tx: Connection, runtime: Runtime, number: int, count: int) -> None:
    where = demo_city.c.seed == number
    if not tx.execute(update(demo_city).where(where).values(citizens=count)).rowcount:
        values = {"seed": number, "citizens": count, "played": 0, "created_at": runtime.clock()}
        tx.execute(insert(demo_city).values(**values))


def templates(runtime: Runtime) -> None:
    """Import the shipped texts and have the sandbox review them."""
    with runtime.db.write() as tx:
        shipped.import_shipped(tx, runtime.clock())
    for touched in registration.register(runtime):
        if touched.state == ReviewState.REFUSED:
            raise SandboxError(f"{touched.provider} refused a template: {touched.reason}")


def _holds_a_card(person: Person) -> bool:
    """A grown-up of working age who reads Chinese and has a card."""
    grown_up = person.birth_date.year <= city.AS_OF.year - 18
    working = person.insured_type != "pensioner"
    return grown_up and working and person.card_state == "normal" and person.language == "zh-CN"


def _has_found(person: Person) -> bool:
    """Every tenth of those with an e-mail address: reported the card lost at a counter, and has found it."""
    return _holds_a_card(person) and person.email is not None and person.index % 10 == LUCKY


def _may_report(person: Person) -> bool:
    """Whose card is in use."""
    return _holds_a_card(person) and not _has_found(person)


def _has_time(person: Person) -> bool:
    return _may_report(person) and person.email is None and person.index % EVERY != MOVED


def _fears_for_a_pension(person: Person) -> bool:
    """A pensioner whose authentication failed."""
    return person.pension_state == "failed" and person.language == "zh-CN"


def _moves_away(person: Person) -> bool:
    """A pensioner with nothing to worry about."""
    return person.pension_state in ("not_due", "done_silent", "done_face") and person.language == "zh-CN"


def _is_paid(person: Person) -> bool:
    """A pensioner whose pension comes, and who need not know why it did not."""
    return person.pension_state in ("due_soon", "done_counter", "done_helper") and person.language == "zh-CN"


def _has_moved(person: Person) -> bool:
    """Every ninth of those who work here: has pension rights brought here from another place."""
    return _may_report(person) and person.email is None and person.index % EVERY == MOVED


def _is_moving(person: Person) -> bool:
    """Whose transfer goes on in time."""
    return _has_moved(person) and all(one in TRANSFERS[:MOVING] for one in _transfer(person))


# Whom each type is tried as, no two the same person. Who has an e-mail address gets results there, too.
PEOPLE: Mapping[str, Callable[[Person], bool]] = {
    "card_release": _has_found,
    "card_loss": lambda person: _may_report(person) and person.email is not None,
    "pension_auth": _fears_for_a_pension,
    "pension_payment": _is_paid,
    "filing": _moves_away,
    "relation_transfer": _is_moving,
}


def first_people(runtime: Runtime) -> Sequence[Person]:
    """The first of the demo city; none where there is none."""
    with runtime.db.read() as tx:
        row = tx.execute(select(demo_city).limit(1)).one_or_none()
    return list(city.people(min(row.citizens, BATCH), row.seed)) if row else []


def next_person(runtime: Runtime, kind: str = "card_loss") -> Person:
    """Somebody of the demo city to try a type of transaction as, whom no tour has had yet."""
    with runtime.db.write() as tx:
        row = tx.execute(select(demo_city).limit(1)).one_or_none()
        if row is None:
            raise SettingError("There is no demo city here; run the seed verb first.")
        people = filter(PEOPLE.get(kind, _has_time), city.people(row.citizens, row.seed))
        wanted = (one for one in people if not identities.has_initial(one))  # who can prove it twice
        person = next(islice(wanted, row.played, None), None)
        if person is None:
            raise SettingError(
                "Every citizen of the demo city has been on a tour; seed more with --citizens N."
            )
        tx.execute(update(demo_city).where(demo_city.c.seed == row.seed).values(played=row.played + 1))
        return person
