"""What people do in the year: they lose cards, book visits, file, ask how they stand. By drawn luck."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from uuid import UUID

from gateway import cities
from gateway.appointments import slots
from gateway.channels import sms
from gateway.demo.city import Person
from gateway.errors import HuiyinError
from gateway.simulate import work
from gateway.simulate.offices import REVIEW
from gateway.simulate.town import Town
from gateway.transactions import afterwards, engine, store
from gateway.transactions.model import State

# How often a year, of a hundred people.
YEARLY = {
    "pension_auth": 10.0,
    "appointment": 15.0,
    "card_loss": 3.0,
    "filing": 3.0,
    "callback_request": 6.0,
    "relation_transfer": 1.5,
    "pension_payment": 3.0,
    "work_order": 3.0,
}
ORDERS = ("consultation", "conduct", "suggestion", "fund_supervision", "labour_inspection")
SLOW, EXTENDED = 0.12, 0.2  # upper bounds of a draw: answered too late, or with more time
NAMELESS = frozenset({"callback_request"})
DISTRICT, STILL = "430702", 0.15
FACES = ("web", "phone", "api")
FOUND, REPLACED, CANCELLED, ENDED_EARLY = (
    0.4,
    0.6,
    0.15,
    0.1,
)  # upper bounds of a draw; then nothing more comes
_CODE = re.compile(r"验证码(\d{6})")


@dataclass(slots=True)
class Act:
    """One matter somebody began; ``over_at``: when its reason for a reminder fell away, null: it did not."""

    kind: str
    person: Person
    at: datetime
    id: UUID
    reference: str
    state: str = ""
    until: datetime | None = None
    over_at: datetime | None = None


@dataclass(slots=True)
class Acts:
    """All of the year so far, and what is still to come of them."""

    luck: Random
    done: list[Act] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    later: dict[date, list[tuple[str, Act]]] = field(default_factory=dict)

    def day(self, town: Town) -> None:
        """What people do on one day, then what becomes of what they did before."""
        for what, done in self.later.pop(_today(town), []):
            self._after(town, what, done)
        wanted = [(kind, person) for kind in YEARLY for person in self._who(town, kind)]
        begun = [act for kind, person in wanted if (act := self._begin(town, kind, person)) is not None]
        work.until_quiet(town)
        for act in begun:
            self._confirm(town, act)
        work.until_quiet(town)
        for act in begun:
            self._look(town, act)

    def _who(self, town: Town, kind: str) -> Sequence[Person]:
        """So many a day as make the year's, each somebody else."""
        wanted = YEARLY[kind] / 100 * len(town.people) / 365
        count = int(wanted) + (self.luck.random() < wanted % 1)
        return self.luck.sample(town.people, count)

    def _begin(self, town: Town, kind: str, person: Person) -> Act | None:
        runtime, given = town.runtime, self._answers(town, kind, person)
        if given is None:
            self.refused[f"{kind} nothing_free"] += 1
            return None
        with runtime.db.write() as tx:
            draft = engine.open_draft(tx, runtime, kind, self.luck.choice(FACES))
            who = {} if kind in NAMELESS else {"id_number": person.id_number, "name": person.name}
            answered = engine.answer(tx, runtime, draft, {**who, **given})
            if answered.value:
                self.refused[f"{kind} {next(iter(answered.value))}"] += 1
                return None
            engine.send_code(tx, runtime, answered.transaction)
        return Act(kind, person, town.clock(), draft.id, draft.row.reference)

    def _answers(self, town: Town, kind: str, person: Person) -> Mapping[str, str] | None:
        if kind == "appointment":
            return self._visit(town)
        if kind == "callback_request":
            return {"number": person.mobile, "wish": "soon", "matter": "other"}
        if kind == "work_order":
            return {"kind": self.luck.choice(ORDERS), "text": "窗口说材料不齐，请问还要带什么？"}
        if kind == "relation_transfer":
            self._transfer(town, person)
        return self._filing(town, person) if kind == "filing" else {}

    def _transfer(self, town: Town, person: Person) -> None:
        """They applied for one this morning; some stand still until somebody asks."""
        values = {"id_number": person.id_number, "from": "310115", "to": DISTRICT}
        still = {"state": "letter_sent"} if self.luck.random() < STILL else {}
        town.offices.call(lambda: town.offices.transfers.change({**values, **still}))

    def _visit(self, town: Town) -> Mapping[str, str] | None:
        rules = cities.of(town.runtime).rules_now(town.clock())
        hall = self.luck.choice(rules.halls).id
        free = slots.bookable(rules, hall, town.clock())
        if not free:
            return None
        slot = self.luck.choice(free)
        return {"matter": "card", "hall": hall, "day": slot.day.isoformat(), "slot": slot.clock}

    def _filing(self, town: Town, person: Person) -> Mapping[str, str]:
        start = _today(town) + timedelta(days=1)
        end = start + timedelta(days=self.luck.randrange(40, 300))
        return {
            "kind": "pensioner_elsewhere",
            "request": "file",
            "reason": "children",
            "lasting": "dated",
            "destination": "310115",
            "contact": person.mobile,
            "start": f"{start:%Y%m%d}",
            "end": f"{end:%Y%m%d}",
            "commitment": "1",
            "address": "示范大道100号3栋201室",
        }

    def _confirm(self, town: Town, act: Act) -> None:
        """With the code that came by text message; where none came, it is left unfinished."""
        runtime, code = town.runtime, town.carriers[0].newest.pop(sms.normalise(act.person.mobile), "")
        found = _CODE.search(code)
        if found is None:
            self.refused[f"{act.kind} no_code"] += 1
            return
        with runtime.db.write() as tx:
            engine.prove(tx, runtime, store.load(tx, runtime, act.id), found[1])
            engine.submit(tx, runtime, store.load(tx, runtime, act.id))

    def _look(self, town: Town, act: Act) -> None:
        """How it ended, and what becomes of it later."""
        with town.runtime.db.read() as tx:
            now = store.load(tx, town.runtime, act.id)
        act.state = now.state
        self.done.append(act)
        if now.state is State.IDENTITY_PENDING:
            return
        draw = self.luck.random()
        soon = self.luck.randrange(1, 6)
        if act.kind == "card_loss" and now.state is State.SUCCEEDED:
            act.until = datetime.fromisoformat(now.facts["until"])
            what = "found" if draw < FOUND else "replaced" if draw < REPLACED else ""
            self._plan(what, act, _today(town) + timedelta(days=soon))
        elif act.kind == "work_order" and draw < EXTENDED:
            held = {"serial": str(act.id), "state": "processing"} | (
                {} if draw < SLOW else {"extension": "01"}
            )
            town.offices.call(lambda: town.offices.orders.change(held))
            self._plan("answered", act, _today(town) + timedelta(days=self.luck.randrange(6, 30)))
        elif act.kind == "appointment" and now.row.stage == "booked":
            act.until = datetime.fromisoformat(now.facts["starts_at"])
            self._plan("cancelled" if draw < CANCELLED else "", act, _today(town) + timedelta(days=1))
        elif act.kind == "filing" and now.state is State.SUBMITTED:
            self._take_place(town, act)
            given = date.fromisoformat(now.answers["end"])
            zone = now.rules.zone
            act.until = datetime.combine(given + timedelta(days=1), time(), zone)
            self._plan("ended" if draw < ENDED_EARLY else "", act, _today(town) + timedelta(days=10 + soon))

    def _take_place(self, town: Town, act: Act) -> None:
        """Another filing of the same kind: once it is reviewed the one before is over."""
        for one in self.done[:-1]:
            if (one.kind, one.person) == (act.kind, act.person) and one.over_at is None:
                one.over_at = town.clock() + timedelta(seconds=REVIEW)

    def _plan(self, what: str, act: Act, day: date) -> None:
        if what:
            self.later.setdefault(day, []).append((what, act))

    def _after(self, town: Town, what: str, act: Act) -> None:
        """Somebody found the card, had it replaced, did not want the visit, moved back.

        What does not take that is counted: the matter then goes on, and so does its reason.
        """
        if act.until and act.until <= town.clock():
            return
        try:
            refused = _done(town, what, act)
        except (HuiyinError, LookupError) as error:
            refused = type(error).__name__
        if refused:
            self.refused[f"{act.kind} {what}: {refused}"] += 1
        else:
            act.over_at = act.over_at or town.clock()


def _done(town: Town, what: str, act: Act) -> str:
    """Do it; why not, or ""."""
    offices, runtime = town.offices, town.runtime
    if what in ("found", "replaced"):
        state = "normal" if what == "found" else "formal_lost"
        offices.call(lambda: offices.cards.change({"number": act.person.card_number, "state": state}))
    elif what == "answered":
        offices.call(lambda: offices.orders.change({"serial": str(act.id), "state": "replied"}))
    elif what == "ended":
        offices.call(lambda: offices.filings.change({"serial": act.reference, "state": "cancelled"}))
    else:
        with runtime.db.write() as tx:
            matter = store.load(tx, runtime, act.id)
            found = afterwards.act(tx, runtime, matter, "cancel", "web", proven=True, here=True)
        if found.value is not None:
            return str(getattr(found.value, "en", type(found.value).__name__))
    return ""


def _today(town: Town) -> date:
    return town.clock().astimezone(cities.of(town.runtime).rules_now(town.clock()).zone).date()
