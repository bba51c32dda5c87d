"""The tour: every type on every face, a push to thousands, and the books afterwards."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from gateway.delivery import ledger
from gateway.demo import calling, faces, seed
from gateway.demo.city import Person
from gateway.demo.faces import Place, Played, Service
from gateway.demo.patience import TourError, until
from gateway.demo.world import World
from gateway.notifications.status import Status
from gateway.runtime import Runtime
from gateway.transactions import registry

Say = Callable[[str], None]
PUSH = "retirement_age"
UNREACHED = 40  # people of the push whose text message the sandbox lets get lost
PUSH_PATIENCE = 120.0  # seconds


def play(here: Runtime, place: Place, say: Say) -> dict[str, Any]:
    """Play all of it; ``ok`` says whether all of it held."""
    played = list(_transactions(here, place, say))
    told = _told(place, played)
    say(f"webhooks: {told['told']} events told to the service")
    pushed = _push(place, say)
    book = _books(here)
    held = all(one.ok for one in played) and told["ok"] and pushed["ok"] and book["balanced"]
    return {
        "ok": held and all(book["channels"].get(channel) for channel in ("sms", "voice", "email")),
        "transactions": [asdict(one) for one in played],
        "channels": book.pop("channels"),
        "webhooks": told,
        "broadcast": pushed,
        "ledger": book,
    }


FACES: Mapping[str, Callable[[Place, Person, str], Played]] = {
    "web": faces.web,
    "phone": calling.phone,
    "api": faces.api,
}


def _transactions(here: Runtime, place: Place, say: Say) -> Iterator[Played]:
    """What the telephone cannot finish is begun first and ends last: the web asks for another code,
    which goes out a minute later at the earliest.
    """

    def play_one(kind: str, face: str) -> Played:
        try:
            one = FACES[face](place, seed.next_person(here, kind), kind)
        except TourError as error:
            one = Played(kind, face, "", "not_played", ok=False, message=str(error), delivered_in_s=0.0)
        say(
            f"{kind} by {face}: {one.state}, "
            + (f"SMS after {one.delivered_in_s} s" if one.ok else one.message)
        )
        return one

    with ThreadPoolExecutor(1) as aside:
        parked = [kind for kind in registry.types() if calling.parks(kind)]
        later = [aside.submit(play_one, kind, "phone") for kind in parked]
        for kind in registry.types():
            for face in FACES:
                if face != "phone" or kind not in parked:
                    yield play_one(kind, face)
        for one in later:
            yield one.result()


# --- the service --------------------------------------------------------------------------------


def _told(place: Place, played: Sequence[Played]) -> dict[str, Any]:
    """Whether the sandbox's service heard how each transaction ended that was begun through the API."""
    world = World(place.sandbox_url)
    ended = {(one.reference, one.state) for one in played if one.face == "api"}

    def heard() -> Mapping[str, Any] | None:
        found = world.get("service")
        known = {(one["body"].get("reference"), one["body"].get("state")) for one in found["heard"]}
        return found if ended <= known else None

    try:
        return {"ok": True, "told": until(heard, "The service's word that it was told")["told"]}
    except TourError:
        return {"ok": False, "told": world.get("service")["told"]}


# --- the push --------------------------------------------------------------------------------


def _push(place: Place, say: Say) -> dict[str, Any]:
    """Count, go, and wait until everybody was reached or called; some texts get lost on the way."""
    service, world = Service(place), World(place.sandbox_url)
    counted = service.call("POST", "/v2/broadcasts", {"name": PUSH})
    path = f"/v2/broadcasts/{counted['id']}"
    say(f"broadcast {PUSH}: {counted['audience']} people")
    lost = {"target": "receipts", "mode": "error", "action": "report", "times": UNREACHED}
    world.post("faults", **lost, code="MOBILE_NOT_ON_SERVICE")
    started = time.monotonic()
    service.call("POST", f"{path}/start")

    def ended() -> Mapping[str, Any] | None:
        now = service.call("GET", path)
        return now if now["state"] == "finished" else None

    done = until(ended, "The end of the push", PUSH_PATIENCE)
    took = time.monotonic() - started
    audience, taken, reached = done["audience"], done["taken"], done["reached"]
    return {
        "ok": 0 < audience <= taken and 0 < reached <= audience,
        "name": PUSH,
        "audience": audience,
        "taken": taken,
        "delivered": done["delivered"],
        "reached": reached,
        "seconds": round(took, 1),
    }


# --- the books -----------------------------------------------------------------------------------


def _books(here: Runtime) -> dict[str, Any]:
    """The ledger, and how many messages were delivered on each channel; receipts take a moment."""

    def settled() -> dict[str, Any] | None:
        with here.db.read() as tx:
            accounts, balanced = ledger.accounts(tx), ledger.balanced(tx)
        open_still = (Status.SENDING, Status.ACCEPTED)  # what one call took is unfolded in a moment
        moving = sum(account.standing.get(status, 0) for account in accounts for status in open_still)
        if moving:
            return None
        delivered: Counter[str] = Counter()
        for account in accounts:
            delivered[account.lane.partition(".")[0]] += account.standing.get(Status.DELIVERED, 0)
        taken = sum(account.taken for account in accounts)
        return {"balanced": balanced, "taken": taken, "channels": dict(delivered)}

    try:
        return until(settled, "The last receipt")
    except TourError:
        return {"balanced": False, "taken": 0, "channels": {}}
