"""What proves who the demo city's people are beside their telephones: query passwords and mandates.

Every fifth has never changed the initial password, so theirs is not taken. The city's first child has a
guardian, and its first old person a helper with a mandate: the same grown-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection

from gateway.citizens import mandates, passwords, register
from gateway.citizens.mandates import Kind
from gateway.demo.city import Person
from gateway.runtime import Runtime

INITIALS = 5
CHILD_BORN, ELDER_BORN = date(2014, 1, 1), date(1950, 1, 1)  # or later; or before
WORKING = date(1975, 1, 1), date(2000, 1, 1)
BY = "demo"


def query_password(person: Person) -> str:
    """The same for the same person in every demo city; an initial one is the end of the ID number."""
    if has_initial(person):
        return person.id_number[11:17]
    return f"{(person.index * 7_919 + 482_913) % 1_000_000:06d}"


def has_initial(person: Person) -> bool:
    return person.index % INITIALS == INITIALS - 1


def family(people: Sequence[Person]) -> tuple[Person | None, Person | None, Person | None]:
    """Who helps, and whom: the first grown-up of working age, the first child, the first old person."""
    born = [(person.birth_date, person) for person in people if person.language == "zh-CN"]
    helper = next((who for day, who in born if WORKING[0] <= day < WORKING[1] and not has_initial(who)), None)
    child = next((who for day, who in born if day >= CHILD_BORN), None)
    elder = next((who for day, who in born if day < ELDER_BORN), None)
    return helper, child, elder


def give(tx: Connection, runtime: Runtime, people: Sequence[Person]) -> None:
    """Passwords for these people, and mandates among the first of the city; who has them keeps them."""
    ids = register.ids(tx, runtime.vault, [person.id_number for person in people])
    given = [(ids[one.id_number], query_password(one), has_initial(one)) for one in people]
    passwords.take_over(tx, runtime, given)
    helper, child, elder = family(people) if people[0].index == 0 else (None, None, None)
    for helped, kind in ((child, Kind.GUARDIAN), (elder, Kind.RELATIVE)):
        if helper and helped and not mandates.of(tx, ids[helped.id_number]):
            mandates.add(tx, runtime, ids[helped.id_number], ids[helper.id_number], kind, BY)


def to_try(people: Sequence[Person]) -> list[str]:
    """What the start says of them: a lost telephone, a child, an old mother."""
    helper, child, elder = family(people)
    if helper is None:
        return []
    lines = [
        "  Who is asking · 身份（演示的人都是假的），网页 /t/card_loss：",
        f"  - mobile lost too · 手机也丢了：{_who(helper)}，查询密码 {query_password(helper)}",
    ]
    for helped, words in ((child, "for a child · 替孩子办"), (elder, "for a relative · 替家人办")):
        if helped:
            lines.append(f"  - {words}：{_who(helped)}；代办人 {_who(helper)}，手机 {helper.mobile}")
    return lines


def _who(person: Person) -> str:
    return f"{person.id_number} {person.name}"
