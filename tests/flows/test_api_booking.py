"""Booking a visit through the API: options, a place that is gone, actions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tests.flows.test_api import Api, _problems, api
from tests.stores.test_appointments import NINE, choose, quotas

__all__ = ["api", "quotas"]  # fixtures of the neighbours'
ATTESTED = {"method": "attested", "by": "counter 3"}


def options(api: Api, **answers: str) -> Any:
    return api.post("/v2/transaction-types/appointment/options", {"answers": answers})


def begin(
    api: Api,
    proof: dict[str, str] = ATTESTED,
    number: int = 0,
    headers: Mapping[str, str] = MappingProxyType({}),
    **changes: str,
) -> Any:
    person = api.world.people[number]
    who = {"id_number": person.id_number, "name": person.name}
    body = {"type": "appointment", "answers": {**who, **NINE, **changes}, "proof": proof}
    return api.post("/v2/transactions", body, **headers)


def on(api: Api, begun: Any, path: str, body: Any = None, **headers: str) -> Any:
    return api.post(f"/v2/transactions/{begun.json['reference']}/{path}", body, **headers)


# --- options -------------------------------------------------------------------------------


def test_a_type_says_which_fields_have_choices_and_what_may_be_done_afterwards(api: Api) -> None:
    listed = {kind["name"]: kind for kind in api.get("/v2/transaction-types").json["transaction_types"]}
    booking = listed["appointment"]
    assert {field["name"] for field in booking["fields"] if field["choices"]} == set(NINE)
    assert {action["name"]: action["asks_again"] for action in booking["actions"]} == {
        "accept": [],
        "change": ["day", "slot"],
        "elsewhere": ["hall", "day", "slot"],
        "cancel": [],
    }


def test_the_options_of_the_next_open_field_follow_the_answers_so_far(api: Api) -> None:
    """Matter, hall, day, slot; nothing once all is chosen. Who asks need not be told."""
    given: dict[str, str] = {}
    for name, value in NINE.items():
        answer = options(api, **given).json
        assert answer["field"]["name"] == name
        assert value in [option["value"] for option in answer["options"]]
        given[name] = value
    assert options(api, **{**given, "slot": "09:00"}).json == {
        "asked": ["id_number", "name", *NINE],
        "field": None,
        "options": [],
        "none_left": None,
    }
    slots = options(api, matter="card", hall="shi", day="2026-11-25").json["options"]
    assert slots[1] == {
        "value": "09:00",
        "label": {"zh": "09:00–09:30", "en": "09:00–09:30"},
        "note": {"zh": "还有12个空位", "en": "12 left"},
    }


def test_where_nothing_is_left_the_options_say_what_is_free_instead(api: Api, quotas: Any) -> None:
    quotas(0)
    answer = options(api, matter="card", hall="shi").json
    assert (answer["field"]["name"], answer["options"]) == ("day", [])
    assert answer["none_left"]["zh"].startswith("已经约满。这几天都没有空位了。工作日08:00放出新的一天")


def test_options_of_no_type_and_of_wrong_answers_are_refused(api: Api) -> None:
    assert api.post("/v2/transaction-types/passport/options", {"answers": {}}).status_code == 404
    assert _problems(options(api, colour="red")) == ["answers.colour There is no such field; leave it out."]
    assert api.post("/v2/transaction-types/appointment/options", {}).status_code == 400


# --- booking ---------------------------------------------------------------------------------


def test_a_service_books_for_a_citizen(api: Api) -> None:
    """From the web's places, in one call; stage, facts and actions say what may follow."""
    begun = begin(api)
    assert (begun.status_code, begun.json["state"], begun.json["stage"]) == (201, "succeeded", "booked")
    assert begun.json["facts"]["number"] == "A101"
    assert begun.json["actions"] == ["change", "cancel"]
    assert options(api, **{**NINE, "slot": ""}).status_code == 400
    left = options(api, matter="card", hall="shi", day="2026-11-25").json["options"][1]["note"]["zh"]
    assert left == "还有11个空位"


def test_a_place_that_is_gone_is_refused_with_the_nearest_free_ones(api: Api, quotas: Any) -> None:
    """And nothing is kept: the service begins again with another time."""
    quotas(1)
    assert not choose(api.world, api.world.people[1]).value
    before = api.count()
    refused = begin(api)
    assert refused.status_code == 400
    (said,) = _problems(refused)
    assert said == (
        "answers.slot 09:00 is fully booked. Nearest free: 08:30, 09:30, 10:00; "
        "Dingcheng Social Security Counter 09:00."
    )
    assert "鼎城区社保窗口09:00" in refused.json["errors"][0]["next_step"]
    assert api.count() == before
    assert begin(api, slot="09:30").json["stage"] == "booked"


def test_a_place_lost_before_the_code_came_can_be_answered_anew(api: Api, quotas: Any) -> None:
    """409 with the nearest free ones; the proof and the other answers stay, one answer finishes it."""
    quotas(1)
    begun = begin(api, {"method": "code"})
    code = api.code()
    api.world.clock.advance(minutes=4, seconds=59)
    assert "slot" in choose(api.world, api.world.people[1]).value
    api.world.clock.advance(seconds=1)
    assert not choose(api.world, api.world.people[1]).value
    api.world.clock.advance(seconds=-1)  # the code is good for as long as the place was held
    lost = on(api, begun, "proof", {"code": code})
    assert lost.status_code == 409
    assert "answers.slot 09:00 is fully booked" in _problems(lost)[0]
    shown = api.get(f"/v2/transactions/{begun.json['reference']}").json
    assert (shown["missing"], shown["next_step"]) == (["slot"], "POST answers.slot to …/answers.")
    done = on(api, begun, "answers", {"answers": {"slot": "10:00"}})
    assert (done.status_code, done.json["stage"]) == (200, "booked")
    assert on(api, begun, "answers", {"answers": {"slot": "10:30"}}).status_code == 409


def test_a_limit_is_refused_before_anything_is_submitted(api: Api) -> None:
    """And nothing is kept of it."""
    begin(api)
    refused = begin(api, day="2026-11-26")
    assert (refused.status_code, api.count()) == (409, 1)
    assert "answers.matter You have booked this matter already" in _problems(refused)[0]


# --- actions -----------------------------------------------------------------------------------


def test_cancelling_twice_with_one_key_cancels_once(api: Api) -> None:
    """A repeated request gets the stored answer; a second cancellation finds it cancelled."""
    begun = begin(api)
    first, again = (on(api, begun, "actions/cancel", None, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, first.json["stage"], first.json["actions"]) == (200, "cancelled", [])
    assert again.json == first.json
    twice = on(api, begun, "actions/cancel")
    assert (twice.status_code, twice.json["stage"]) == (200, "cancelled")
    assert len(twice.json["messages"]) == len(first.json["messages"])


def test_a_refused_action_says_why(api: Api) -> None:
    begun = begin(api)
    on(api, begun, "actions/cancel")
    refused = on(api, begun, "actions/change")
    assert (refused.status_code, _problems(refused)) == (409, ["change: To come again, book anew."])


def test_a_change_opens_a_transaction_to_answer(api: Api) -> None:
    """Day and slot are missing; with them it is booked, and the first is given up."""
    begun = begin(api)
    change = on(api, begun, "actions/change")
    assert (change.status_code, change.json["missing"]) == (201, ["day", "slot"])
    done = on(api, change, "answers", {"answers": {"day": "2026-11-26", "slot": "14:00"}})
    assert done.json["facts"]["starts_at"] == "2026-11-26T14:00:00+08:00"
    old = api.get(f"/v2/transactions/{begun.json['reference']}").json
    assert (old["stage"], old["facts"]["changed_to"]) == ("changed", change.json["reference"])


def test_an_action_there_is_not_is_not_found(api: Api) -> None:
    refused = on(api, begin(api), "actions/erase")
    assert refused.status_code == 404
    assert (
        refused.json["errors"][0]["next_step"]
        == "appointment has the actions: accept, change, elsewhere, cancel."
    )
