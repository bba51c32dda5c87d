"""Other offices' numbers on the telephone: the city's referrals, to choose from and to hear."""

from __future__ import annotations

from collections.abc import Mapping

from gateway import cities
from gateway.phone import prompts
from gateway.phone.matter import Matter
from gateway.phone.results import Offer, Office, Offices
from gateway.rules.model import Rules
from gateway.transactions.model import Words


def offered(matter: Matter, _: Mapping[str, str]) -> Offices:
    """All there are, by their names."""
    return Offices(tuple(Offer(one.id, Words(one.name, one.name_en)) for one in _rules(matter).referrals))


def told(matter: Matter, values: Mapping[str, str]) -> Office | Offices:
    """The one chosen, its number twice; all of them where the city's list changed during the call."""
    rules = _rules(matter)
    for one in rules.referrals:
        if one.id == values["office"]:
            name, hours = Words(one.name, one.name_en), Words(one.hours, one.hours_en)
            matters = Words(one.matters, one.matters_en)
            said = prompts.words("referral", office=name, number=one.number, hours=hours, matters=matters)
            return Office((said, prompts.words("referral_again", number=one.number, area=rules.area_code)))
    return offered(matter, values)


def _rules(matter: Matter) -> Rules:
    return cities.of(matter.runtime).rules_now(matter.runtime.clock())
