"""``providers``: what each can do, from the code, and how each stands here."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import config, plugins, runtime
from gateway.cli import providers
from gateway.content import registered, store
from gateway.content.registered import Registration
from gateway.messages import Limits
from tests.flows.shell import Shell

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "providers.md"


def test_the_table_of_the_documents_is_the_one_the_code_prints(shell: Shell) -> None:
    """After a change: python3 run.py providers --table, into docs/reference/providers.md."""
    assert shell("providers", "--table").stdout in DOCUMENT.read_text("utf-8")


def test_the_table_needs_no_setting_and_no_database(shell: Shell) -> None:
    """Every provider in integrations/ is in it, and no back office."""
    known = {one["name"]: one for one in shell.json("providers", "--table")["providers"]}
    assert {"aliyun_sms", "console", "smtp", "twilio_voice"} <= known.keys()
    assert "card_core" not in known
    assert known["aliyun_sms"]["registers"]
    assert known["console"]["limits"] == "none"


def test_each_limit_has_its_words() -> None:
    """One that names none says so."""
    limits = Limits(countries=frozenset({"86", "852"}), variable=12, links=False, files=7_340_000)
    said = providers.limits_in_words(limits)
    assert said == "a variable 12 characters; no web addresses; +852, +86 only; attachments 7.34 MB"
    assert providers.limits_in_words(Limits()) == "none"
    home = Limits(text=1600, into={"86": Limits(text=500, links=False)})
    assert providers.limits_in_words(home) == (
        "text 1,600 characters; into +86: text 500 characters, no web addresses"
    )


def test_it_shows_what_is_missing_and_how_texts_stand(shell: Shell, tmp_path: Path) -> None:
    """Without settings the first provider lacks them; a refused text stands there with its reason."""
    assert shell("migrate").exit_code == 0
    _refuse_one(tmp_path / "state")
    one = shell.json("providers")["providers"][0]
    assert (one["name"], one["weight"]) == ("aliyun_sms", 1)
    assert "ALIYUN_ACCESS_KEY_ID" in one["missing"]
    assert [(text["state"], text["reason"]) for text in one["texts"]["open"]] == [("refused", "变量不能相邻")]
    assert one["texts"]["new"] > 0
    said = shell("providers").stdout
    assert "lacks ALIYUN_ACCESS_KEY_ID, " in said
    assert "refused 变量不能相邻" in said
    assert "--ask asks the provider" in said


def _refuse_one(state: Path) -> None:
    here = runtime.build(config.load(state=state), wake=lambda _lane: None, sending=False)
    with here.db.write() as tx:
        text = next(one for one in store.newest_versions(tx) if one.channel == "sms")
        refused = Registration(text.id, text.version, "aliyun_sms", "", "refused", "变量不能相邻")
        registered.record_registration(tx, refused, here.clock())
    here.db.close()


def test_whole_settings_are_said_to_be_whole(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider by its own name and weight."""
    monkeypatch.setenv("SMS_PROVIDERS", "console=3")
    monkeypatch.setenv("CONSOLE_OUTPUT", "/dev/null")
    assert shell("migrate").exit_code == 0
    assert "sms    console=3  whole" in shell("providers").stdout


def test_a_class_that_is_no_provider_is_not_taken_for_one() -> None:
    """A back office has no class that names itself after its module."""
    assert plugins.declared("card_core") is None
    assert plugins.declared("console").__name__ == "Console"
