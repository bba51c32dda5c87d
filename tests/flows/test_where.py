"""Other offices' numbers on all faces: the page, the telephone and the API tell the same."""

from __future__ import annotations

from gateway import cities
from tests.flows.citizen import Browser
from tests.flows.test_api import Api, api
from tests.flows.test_phone import Line, line, said

__all__ = ["api", "line"]  # fixtures of the neighbours'


def test_every_office_is_told_on_every_face_with_number_and_hours(
    browser: Browser, api: Api, line: Line
) -> None:
    """Key by key through the whole list on the telephone, each read digit by digit."""
    world = line.world
    known = cities.of(world.runtime).rules_now(world.clock()).referrals
    browser.get("/")
    assert 'href="/where"' in browser.page.text
    page = browser.get("/where")
    listed = {one["id"]: one for one in api.get("/v2/referrals").json["referrals"]}
    line.go(CallStatus="ringing")
    line.press("5")
    for place, one in enumerate(known):
        assert f'href="tel:{one.number}"' in browser.page.text
        assert one.hours in page
        assert (listed[one.id]["number"], listed[one.id]["hours"]) == (one.number, one.hours)
        assert listed[one.id]["number_elsewhere"] == f"0736-{one.number}"
        document = line.press("4") if place == 0 else line.press("*")
        for _ in range(place // 4):
            document = line.press("5")
        assert f"{one.name}请按{place % 4 + 1}" in said(document)
        told = said(line.press(str(place % 4 + 1)))
        assert told.count(" ".join(one.number)) == 2


def test_what_is_looked_for_stands_first_and_what_is_unknown_still_leads_somewhere(
    browser: Browser, api: Api
) -> None:
    page = browser.get("/where?q=%E5%8C%BB%E4%BF%9D")  # 医保
    assert page.index("可能是这里") < page.index("12393") < page.index("别的部门") < page.index("12329")
    found = api.get("/v2/referrals?q=%E5%8C%BB%E4%BF%9D").json["referrals"]
    assert [one["id"] for one in found] == ["medical"]
    assert "请拨12345" in browser.get("/where?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in browser.page.text
