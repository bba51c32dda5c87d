"""What the pages show of a report to whoever has only its reference and four digits."""

from __future__ import annotations

from collections.abc import Callable

from tests.flows.citizen import Browser
from tests.flows.test_web_booking import look_up
from tests.stores.test_work_orders import Platform, handed_in
from tests.world import World


def test_to_add_to_a_report_shows_nobody_what_kind_it_is(
    open_browser: Callable[[], Browser], sqlite_world: World
) -> None:
    """A draft that is opened from it without any proof keeps the kind, and marks none on its page."""
    sqlite_world.runtime._back_offices["work_order_platform"] = Platform(sqlite_world)
    stranger = open_browser()
    it = handed_in(sqlite_world, "fund_supervision")
    look_up(stranger, sqlite_world.people[0], it.row.reference)
    stranger.post("/status/add")
    stranger.get("/t/work_order/kind")
    assert stranger.path == "/t/work_order/kind"
    assert "举报" in stranger.text  # it is offered like the others
    assert "checked" not in stranger.page.text
