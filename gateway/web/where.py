"""Other offices' numbers: whoever asks for what is not ours is sent on, by name or by a word of theirs."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from gateway import referral_rules
from gateway.referral_rules import LONGEST_ASKED
from gateway.runtime import Runtime
from gateway.web import page


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/where``, with what is looked for in the address: nothing is kept of it."""

    @routes.get("/where")
    def where() -> ResponseReturnValue:
        asked = request.args.get("q", "").strip()[:LONGEST_ASKED]
        known = page.rules_of_today(runtime).referrals
        found = referral_rules.find(known, asked)
        others = [one for one in known if one not in found]
        return render_template("where.html", asked=asked, found=found, others=others)
