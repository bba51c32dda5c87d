"""Settings: each mistake is one line that names the setting and says what to do."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from gateway import config, plugins, readiness, route_settings, runtime
from gateway.errors import SettingError, UnknownNameError


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must begin with postgresql:// or sqlite:///."),
        ({"BROKER_URL": "amqp://x"}, "BROKER_URL must begin with redis://"),
        (
            {"SMS_PROVIDERS": "aliyun_sms=often"},
            "SMS_PROVIDERS has 'aliyun_sms=often'; write names",
        ),
        ({"SMS_PROVIDERS": "aliyun_sms=0"}, "SMS_PROVIDERS names no provider with a weight above 0"),
        ({"SMS_PROVIDERS_HOME": "aliyun_sms"}, "SMS_PROVIDERS_HOME: put a calling code after SMS_PROVIDERS_"),
        (
            {"SMS_PROVIDERS_86": "twilio_sms=1"},
            "SMS_PROVIDERS_86 names twilio_sms, which SMS_PROVIDERS does not; add twilio_sms=0 there.",
        ),
        ({"SMS_PROVIDERS_86": "aliyun_sms=0"}, "SMS_PROVIDERS_86 names no provider with a weight above 0"),
        ({"ALIYUN_SMS_PER_SECOND": "0"}, "ALIYUN_SMS_PER_SECOND must be a whole number above 0, not '0'"),
        ({"ALIYUN_SMS_CONCURRENT": "many"}, "ALIYUN_SMS_CONCURRENT must be a whole number"),
        (
            {"HUIYIN_MASTER_KEY": "short"},
            "HUIYIN_MASTER_KEY must be 32 bytes in URL-safe base64",
        ),
        ({"HUIYIN_LEASE_SECONDS": "soon"}, "HUIYIN_LEASE_SECONDS must be a number of seconds"),
        ({"HUIYIN_LEASE_SECONDS": "0"}, "HUIYIN_LEASE_SECONDS must be a number of seconds"),
        (
            {"SANDBOX_URL": "http://127.0.0.1:1"},
            "SANDBOX_URL is set but ALIYUN_SMS_ENDPOINT is not",
        ),
    ],
)
def test_a_wrong_setting_is_one_clear_line(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    """The line names the setting, and no traceback is needed to understand it."""
    with pytest.raises(SettingError) as caught:
        config.load(environment, tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_city_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """The line lists the cities there are."""
    settings = config.load({"HUIYIN_CITY": "atlantis"}, tmp_path)
    with pytest.raises(SettingError, match="HUIYIN_CITY is 'atlantis'; there are changde, shanghai"):
        readiness.check(settings)


def test_a_provider_without_its_settings_names_each_of_them(tmp_path: Path) -> None:
    """An incomplete provider says what is missing and what to put there."""
    settings = config.load({"ALIYUN_ACCESS_KEY_ID": "id"}, tmp_path)
    with pytest.raises(SettingError) as caught:
        plugins.load("aliyun_sms", settings.environment)
    assert "ALIYUN_ACCESS_KEY_SECRET (its secret)" in str(caught.value)
    assert "ALIYUN_ACCESS_KEY_ID (" not in str(caught.value)


@pytest.mark.parametrize("name", ["aliyun_sms", "card_core"])
def test_a_wrong_optional_setting_of_an_integration_is_a_line_too(name: str) -> None:
    """The line names the setting and what it must be."""
    module = importlib.import_module(f"integrations.{name}")
    key = {"aliyun_sms": "ALIYUN_TIMEOUT_SECONDS", "card_core": "CARD_CORE_TIMEOUT_SECONDS"}[name]
    given = {**dict.fromkeys(module.SETTINGS, "127.0.0.1"), key: "soon"}
    with pytest.raises(SettingError, match=f"A setting of {name} is wrong: {key} must be a number"):
        plugins.load(name, given)


def test_a_back_office_is_no_provider(tmp_path: Path) -> None:
    """Naming one where messages are to be sent is refused before anything starts."""
    keys = {"CARD_CORE_URL": "http://127.0.0.1:1", "CARD_CORE_APP_ID": "x", "CARD_CORE_SECRET": "x"}
    settings = config.load({"SMS_PROVIDERS": "card_core=1", **keys}, tmp_path)
    with pytest.raises(SettingError, match="SMS_PROVIDERS names card_core, which sends no sms"):
        runtime.build(settings, wake=lambda _lane: None)


def test_an_unknown_provider_is_named(tmp_path: Path) -> None:
    """A misspelt name is said, not imported."""
    with pytest.raises(UnknownNameError, match="no integration called 'pigeon'"):
        plugins.load("pigeon", {})


def test_a_destination_has_weights_of_its_own(tmp_path: Path) -> None:
    """By calling code; every other number goes by the channel's, and each bound stands with its provider."""
    given = {
        "SMS_PROVIDERS": "aliyun_sms=9,twilio_sms=0",
        "SMS_PROVIDERS_1": "twilio_sms",
        "ALIYUN_SMS_PER_SECOND": "100",
    }
    settings = config.load(given, tmp_path)
    assert settings.destinations["sms"] == {"1": {"twilio_sms": 1}}
    assert settings.allowances == {"aliyun_sms": route_settings.Allowance(per_second=100)}


def test_secrets_are_made_once_and_kept_for_their_owner(tmp_path: Path) -> None:
    """The master key of the first start is the next start's too, and nobody else may read it."""
    first, second = (config.load({}, tmp_path / "state") for _ in range(2))
    assert first.master_key == second.master_key
    assert (tmp_path / "state" / "master.key").stat().st_mode & 0o777 == 0o600
    assert first.master_key.hex() not in repr(first)


def test_without_a_real_provider_it_is_a_demo(tmp_path: Path) -> None:
    """The sandbox plays the outside world exactly while no real provider is configured."""
    assert config.load({}, tmp_path).demo
    assert not config.load({"ALIYUN_ACCESS_KEY_ID": "id"}, tmp_path).demo


def test_a_verb_joins_the_instance_that_runs(tmp_path: Path) -> None:
    """What the running instance gave its processes holds for a verb in another terminal."""
    (tmp_path / config.RUNNING).write_text('{"PUBLIC_URL": "http://127.0.0.1:4711"}')
    assert config.load({}, tmp_path, join=True).public_url == "http://127.0.0.1:4711"
    assert config.load({}, tmp_path).public_url == "http://127.0.0.1:12333"
