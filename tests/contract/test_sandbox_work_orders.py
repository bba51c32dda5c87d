"""The sandbox's work-order platform, driven by the real client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from gateway.back_offices import AlreadyDone, Done, Refused, Silent
from gateway.plugins import load
from integrations import work_order_platform
from integrations.sandbox import page_words, work_orders
from tests.contract.sandbox_process import ACCOUNT, Sandbox, until

WHO = {"id_number": "430726195207071266", "name": "王芳"}


class Asker:
    """Somebody with a matter, and our way to hand it in."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.serial = sandbox, str(uuid4())
        self.platform = load(
            "work_order_platform",
            {
                "WORK_ORDER_PLATFORM_URL": sandbox.url,
                "WORK_ORDER_PLATFORM_APP_ID": ACCOUNT["SANDBOX_CARD_APP_ID"],
                "WORK_ORDER_PLATFORM_SECRET": ACCOUNT["SANDBOX_CARD_SECRET"],
                "WORK_ORDER_PLATFORM_TIMEOUT_SECONDS": "0.5",
            },
        )

    def register(self, kind: str = "consultation", who: Any = WHO) -> Any:
        return self.platform.register(self.serial, self.serial[:14], "4307", kind, "养老金没有到账", who)

    def order(self) -> Any:
        return self.platform.order(self.serial)

    def steer(self, state: str, **more: str) -> Any:
        return self.sandbox.call("POST", "work-orders", {"serial": self.serial, "state": state, **more})


@pytest.fixture
def slow(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Nothing moves by itself."""
    sandbox.call("POST", "settings", {"work_order_delay": 3000.0})
    yield sandbox
    sandbox.call("POST", "settings", {"work_order_delay": 60.0})


def test_it_goes_from_desk_to_desk_and_is_answered(sandbox: Sandbox) -> None:
    """Registered, dispatched, signed, processing, replied, each seen in its order."""
    sandbox.call("POST", "settings", {"work_order_delay": 0.8})
    asker, seen = Asker(sandbox), list[str]()
    assert asker.order() is None
    assert [asker.register(), asker.register()] == [Done(), AlreadyDone()]

    def replied() -> bool:
        state = asker.order().state
        seen.extend([state] if state not in seen else [])
        return seen[-1] == "replied"

    until(replied)
    sandbox.call("POST", "settings", {"work_order_delay": 60.0})
    assert seen == ["registered", "dispatched", "signed", "processing", "replied"]
    assert asker.order().replied_at is not None
    assert asker.order().reply == work_orders.REPLY


def test_it_is_extended_added_to_answered_rated_and_taken_up_once(slow: Sandbox) -> None:
    """What is over takes no addition and no withdrawal; it is rated once and reopened once."""
    asker = Asker(slow)
    platform, serial = asker.platform, asker.serial
    asker.register()
    assert platform.reopen(serial) == Refused("over", "工单已经结束")
    assert [platform.supplement(serial, "p", "还有"), platform.supplement(serial, "p", "还有")] == [
        Done(),
        AlreadyDone(),
    ]
    asker.steer("processing", extension="01")
    assert (asker.order().extension, asker.order().parts) == ("complex", {"p"})
    asker.steer("replied", reply="已补发")
    assert asker.order().reply == "已补发"
    assert platform.supplement(serial, "q", "再").reason == platform.withdraw(serial).reason == "over"
    assert [platform.rate(serial, 1), platform.rate(serial, 5)] == [Done(), AlreadyDone()]
    assert (asker.order().state, asker.order().grade) == ("evaluated", 1)
    assert [platform.reopen(serial), platform.reopen(serial)] == [Done(), AlreadyDone()]
    again = asker.order()
    assert (again.state, again.replied_at, again.extension) == ("registered", None, None)
    asker.steer("replied")
    assert platform.reopen(serial).reason == "reopened_before"


def test_it_is_withdrawn_once_also_after_silence(slow: Sandbox) -> None:
    """A lost answer leaves it open; the query tells that it took effect."""
    asker = Asker(slow)
    asker.register()
    slow.fault("work_order_platform", "silent", times=1)
    assert asker.platform.withdraw(asker.serial) == Silent("read_timeout")
    until(lambda: asker.order().state == "withdrawn")
    assert asker.platform.withdraw(asker.serial) == AlreadyDone()


def test_the_list_says_whether_somebody_is_named_and_not_who(slow: Sandbox) -> None:
    """Neither the page nor the list tells whose it is."""
    named, nameless = Asker(slow), Asker(slow)
    named.register()
    nameless.register("labour_inspection", {})
    listed = slow.call("GET", "work-orders")
    found = {one["serial"]: one["named"] for one in listed}
    assert (found[named.serial], found[nameless.serial]) == (True, False)
    assert WHO["id_number"] not in json.dumps(listed)


def test_both_sides_speak_of_the_same_states_and_causes() -> None:
    """Every state, cause and kind of the one side is known to the other, and to the page."""
    assert set(work_orders.STATES) == work_order_platform.STATES == set(page_words.ORDER_WORDS)
    assert (
        set(work_orders.EXTENSIONS) == set(work_order_platform.EXTENSIONS) == set(page_words.EXTENSION_WORDS)
    )
    assert set(work_orders.KINDS) == set(page_words.ORDER_KIND_WORDS)
    assert work_order_platform.REASONS.keys() <= work_orders.MESSAGES.keys()
