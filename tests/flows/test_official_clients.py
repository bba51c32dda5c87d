"""The official clients of GOV.UK Notify, as they are published, against a whole running instance.

They do what the clients' own suites do, with what ``seed --notify-suite`` prepares for them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from notifications_python_client.errors import HTTPError
from notifications_python_client.notifications import NotificationsAPIClient

from gateway import config
from gateway.demo import start
from gateway.instance import Instance, running
from gateway.instance.state import seeded_mark
from tests import notify_shapes as shapes
from tests.flows.processes import ROOT, bare, until
from tests.notify_shapes import wrong

NODE = ROOT / "tests" / "node"
SMS_TEXT = "Hello ((name))\r\n\r\nFunctional Tests make our world a better place"
EMAIL_TEXT = "Hello ((name))\r\n\r\nFunctional test help make our world a better place"
SMS_SAID = "Hello Foo\n\nFunctional Tests make our world a better place"
EMAIL_SAID = "Hello Foo\r\n\r\nFunctional test help make our world a better place"
SUBJECT = "Functional Tests are good"
NAME = {"name": "Foo"}
UNKNOWN = "fa5f0a6e-5293-49f1-b99f-3fade784382f"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Everything of one machine; nobody lives in its city."""
    home = tmp_path_factory.mktemp("clients")
    settings = config.load(bare(home), home / "state")
    (settings.state / "huiyin.db").touch()  # of a database that is gone, the mark is not believed
    seeded_mark(settings).touch()
    with running(settings, hooks=start.hooks(play=False)) as instance:
        yield instance


def gateway(instance: Instance, *words: str) -> subprocess.CompletedProcess[str]:
    state = instance.settings.state
    command = [sys.executable, "-m", "gateway.cli", "--state", str(state), *words]
    environment = bare(state.parent, PYTHONPATH=str(ROOT))
    return subprocess.run(
        command, env=environment, cwd=state.parent, capture_output=True, text=True, check=False
    )


def seeded(instance: Instance) -> dict[str, str]:
    done = gateway(instance, "seed", "--notify-suite", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def suite(instance: Instance) -> dict[str, str]:
    return seeded(instance)


def client(suite: Mapping[str, str], key: str = "API_KEY") -> Any:  # it is not typed
    return NotificationsAPIClient(suite[key], suite["NOTIFY_API_URL"])  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def testing(suite: dict[str, str]) -> Any:
    """A client with a test key."""
    return client(suite)


# --- messages ----------------------------------------------------------------------------------


def test_a_text_message_is_taken_and_found(suite: dict[str, str], testing: Any) -> None:
    taken = testing.send_sms_notification(
        suite["FUNCTIONAL_TEST_NUMBER"], suite["SMS_TEMPLATE_ID"], NAME, reference="a text"
    )
    assert wrong(shapes.TAKEN_SMS, taken) == []
    assert (taken["content"]["body"], taken["reference"]) == (SMS_SAID, "a text")
    found = testing.get_notification_by_id(taken["id"])
    assert wrong(shapes.NOTIFICATION, found) == []
    assert (found["type"], found["body"], found["reference"]) == ("sms", SMS_SAID, "a text")
    assert found["phone_number"] == suite["FUNCTIONAL_TEST_NUMBER"]
    assert found["template"] == taken["template"]


def test_a_normal_key_sends_under_the_sender_it_names(suite: dict[str, str]) -> None:
    sending = client(suite, "API_SENDING_KEY")
    number, text = suite["FUNCTIONAL_TEST_NUMBER"], suite["SMS_TEMPLATE_ID"]
    plain = sending.send_sms_notification(number, text, NAME)
    named = sending.send_sms_notification(number, text, NAME, sms_sender_id=suite["SMS_SENDER_ID"])
    assert wrong(shapes.TAKEN_SMS, named) == []
    assert named["content"]["from_number"] != plain["content"]["from_number"]


def test_an_email_is_taken_and_found(suite: dict[str, str], testing: Any) -> None:
    taken = testing.send_email_notification(
        suite["FUNCTIONAL_TEST_EMAIL"],
        suite["EMAIL_TEMPLATE_ID"],
        NAME,
        reference="a mail",
        email_reply_to_id=suite["EMAIL_REPLY_TO_ID"],
        one_click_unsubscribe_url="https://example.com/stop",
    )
    assert wrong(shapes.TAKEN_EMAIL, taken) == []
    assert (taken["content"]["body"], taken["content"]["subject"]) == (EMAIL_SAID, SUBJECT)
    assert taken["content"]["one_click_unsubscribe_url"] == "https://example.com/stop"
    found = testing.get_notification_by_id(taken["id"])
    assert wrong(shapes.NOTIFICATION, found) == []
    assert (found["type"], found["body"], found["subject"]) == ("email", EMAIL_SAID, SUBJECT)
    assert found["email_address"] == suite["FUNCTIONAL_TEST_EMAIL"]
    assert (found["is_cost_data_ready"], found["cost_in_pounds"], found["cost_details"]) == (True, 0.0, {})


def test_lists_are_filtered_and_walked_to_their_end(suite: dict[str, str], testing: Any) -> None:
    """The newest first; the iterator gives each once and ends."""
    reference = f"walk {uuid4()}"
    number, text = suite["FUNCTIONAL_TEST_NUMBER"], suite["SMS_TEMPLATE_ID"]
    sent = [testing.send_sms_notification(number, text, NAME, reference)["id"] for _ in range(3)]
    page = testing.get_all_notifications(template_type="sms", reference=reference)
    assert wrong(shapes.NOTIFICATIONS, page) == []
    assert [one["id"] for one in page["notifications"]] == sent[::-1]
    older = testing.get_all_notifications(reference=reference, older_than=sent[1])
    assert [one["id"] for one in older["notifications"]] == sent[:1]
    walked = testing.get_all_notifications_iterator(template_type="sms", reference=reference)
    assert [one["id"] for one in walked] == sent[::-1]
    everything = testing.get_all_notifications()
    assert wrong(shapes.NOTIFICATIONS, everything) == []
    jobs = testing.get_all_notifications(reference=reference, include_jobs=True)["notifications"]
    assert [one["id"] for one in jobs] == sent[::-1]
    for kind in ("email", "letter"):
        assert testing.get_all_notifications(template_type=kind, reference=reference)["notifications"] == []


def test_a_test_keys_messages_end_as_their_numbers_say(suite: dict[str, str], testing: Any) -> None:
    """Nothing is sent, and each outcome can be played."""
    ends = {
        "+447700900003": "temporary-failure",
        "+447700900002": "permanent-failure",
        "13000000003": "temporary-failure",
        "13000000002": "permanent-failure",
        suite["FUNCTIONAL_TEST_NUMBER"]: "delivered",
    }
    reference = f"ends {uuid4()}"
    sent = {
        testing.send_sms_notification(number, suite["SMS_TEMPLATE_ID"], NAME, reference)["id"]: status
        for number, status in ends.items()
    }
    for address, status in {
        "temp-fail@simulator.notify": "temporary-failure",
        "perm-fail@simulator.notify": "permanent-failure",
    }.items():
        taken = testing.send_email_notification(address, suite["EMAIL_TEMPLATE_ID"], NAME, reference)
        sent[taken["id"]] = status

    def stands() -> dict[str, str]:
        page = testing.get_all_notifications(reference=reference)
        return {one["id"]: one["status"] for one in page["notifications"]}

    until(lambda: stands() == sent)
    failed = testing.get_all_notifications(status="failed", reference=reference)
    assert {one["id"] for one in failed["notifications"]} == {
        key for key, status in sent.items() if status != "delivered"
    }


# --- texts -----------------------------------------------------------------------------------------


def test_texts_are_shown_whole_by_version_and_by_type(suite: dict[str, str], testing: Any) -> None:
    text = testing.get_template(suite["SMS_TEMPLATE_ID"])
    mail = testing.get_template(suite["EMAIL_TEMPLATE_ID"])
    assert wrong(shapes.TEMPLATE, text) == wrong(shapes.TEMPLATE, mail) == []
    assert (text["name"], text["version"]) == ("Client Functional test sms template", 2)
    assert (text["body"], text["subject"]) == (SMS_TEXT, None)
    assert (mail["name"], mail["version"]) == ("Client Functional test email template", 2)
    assert (mail["body"], mail["subject"]) == (EMAIL_TEXT, SUBJECT)
    assert text["personalisation"] == {"name": {"required": True}}
    first = testing.get_template_version(suite["SMS_TEMPLATE_ID"], 1)
    assert wrong(shapes.TEMPLATE, first) == []
    assert first["version"] == 1
    assert wrong(shapes.TEMPLATES, every := testing.get_all_templates()) == []
    assert {suite["SMS_TEMPLATE_ID"], suite["EMAIL_TEMPLATE_ID"]} <= {one["id"] for one in every["templates"]}
    for kind in ("sms", "email"):
        of_kind = testing.get_all_templates(kind)["templates"]
        assert of_kind == [one for one in every["templates"] if one["type"] == kind] != []
    assert testing.get_all_templates("letter") == {"templates": []}


def test_a_text_is_previewed_with_its_words(suite: dict[str, str], testing: Any) -> None:
    text = testing.post_template_preview(suite["SMS_TEMPLATE_ID"], NAME)
    mail = testing.post_template_preview(suite["EMAIL_TEMPLATE_ID"], NAME)
    assert wrong(shapes.PREVIEW, text) == wrong(shapes.PREVIEW, mail) == []
    assert (text["type"], text["body"], text["subject"]) == ("sms", SMS_SAID, None)
    assert (mail["type"], mail["body"], mail["subject"]) == ("email", EMAIL_SAID, SUBJECT)
    assert "Hello Foo" in mail["html"]


def test_what_people_wrote_is_shown_and_walked_to_its_end(suite: dict[str, str]) -> None:
    asking = client(suite, "INBOUND_SMS_QUERY_KEY")
    page = asking.get_received_texts()
    assert wrong(shapes.RECEIVED, page) == []
    messages = page["received_text_messages"]
    assert len(messages) >= 3
    assert {one["service_id"] for one in messages} == {suite["API_KEY"][-73:-37]}
    older = asking.get_received_texts(older_than=messages[0]["id"])["received_text_messages"]
    assert older == messages[1:]
    assert list(asking.get_received_texts_iterator()) == messages


# --- refusals ----------------------------------------------------------------------------------------


def refused(call: Callable[[], object]) -> tuple[int, list[tuple[str, str]]]:
    """How the client raises it: status, and each error's class and message."""
    with pytest.raises(HTTPError) as error:
        call()
    assert error.value.response is not None
    assert wrong(shapes.PROBLEMS, error.value.response.json()) == []
    assert error.value.status_code == error.value.response.json()["status_code"]
    said: Any = error.value.message
    return error.value.status_code, [(one["error"], one["message"]) for one in said]


def test_each_refusal_reaches_the_caller_in_notifys_words(suite: dict[str, str], testing: Any) -> None:
    """Class, status and message are what suites and people's code compare."""
    number, text, mail = (
        suite[name] for name in ("FUNCTIONAL_TEST_NUMBER", "SMS_TEMPLATE_ID", "EMAIL_TEMPLATE_ID")
    )
    address, service = suite["FUNCTIONAL_TEST_EMAIL"], suite["API_KEY"][-73:-37]
    stranger = client({**suite, "API_KEY": suite["API_KEY"][:-36] + str(uuid4())})
    nobody = client({**suite, "API_KEY": f"x-{uuid4()}-{uuid4()}"})
    sms, email = testing.send_sms_notification, testing.send_email_notification
    statuses = (
        "cancelled, created, sending, sent, delivered, pending, failed, technical-failure, "
        "temporary-failure, permanent-failure, pending-virus-check, validation-failed, virus-scan-failed, "
        "returned-letter, accepted, received"
    )
    table: list[tuple[Callable[[], object], int, str, str]] = [
        (lambda: sms(number, text), 400, "BadRequestError", "Missing personalisation: name"),
        (lambda: email(address, mail, {}), 400, "BadRequestError", "Missing personalisation: name"),
        (lambda: sms(number, UNKNOWN, NAME), 400, "BadRequestError", "Template not found"),
        (lambda: sms(number, "x", NAME), 400, "ValidationError", "template_id is not a valid UUID"),
        (lambda: sms("138001", text, NAME), 400, "ValidationError", "phone_number Not enough digits"),
        (lambda: email("x", mail, NAME), 400, "ValidationError", "email_address Not a valid email address"),
        (
            lambda: sms(number, mail, NAME),
            400,
            "BadRequestError",
            "email template is not suitable for sms notification",
        ),
        (
            lambda: sms(number, text, NAME, sms_sender_id=UNKNOWN),
            400,
            "BadRequestError",
            f"sms_sender_id {UNKNOWN} does not exist in database for service id {service}",
        ),
        (
            lambda: email(address, mail, NAME, email_reply_to_id=UNKNOWN),
            400,
            "BadRequestError",
            f"email_reply_to_id {UNKNOWN} does not exist in database for service id {service}",
        ),
        (
            lambda: testing.send_letter_notification(UNKNOWN, {"address_line_1": "x"}),
            400,
            "BadRequestError",
            "Service is not allowed to send letters",
        ),
        (lambda: testing.get_notification_by_id(UNKNOWN), 404, "NoResultFound", "No result found"),
        (
            lambda: testing.get_notification_by_id("x"),
            400,
            "ValidationError",
            "notification_id is not a valid UUID",
        ),
        (
            lambda: testing.get_all_notifications(status="elephant"),
            400,
            "ValidationError",
            f"status elephant is not one of [{statuses}]",
        ),
        (lambda: testing.get_template(UNKNOWN), 404, "NoResultFound", "No result found"),
        (lambda: testing.get_template("x"), 400, "ValidationError", "id is not a valid UUID"),
        (lambda: testing.get_template_version(text, 99), 404, "NoResultFound", "No result found"),
        (
            lambda: testing.post_template_preview(text, {"invalid": "x"}),
            400,
            "BadRequestError",
            "Missing personalisation: name",
        ),
        (stranger.get_all_templates, 403, "AuthError", "Invalid token: API key not found"),
        (nobody.get_all_templates, 403, "AuthError", "Invalid token: service not found"),
    ]
    for call, status, error, message in table:
        assert refused(call) == (status, [(error, message)])
    _, [(error, message)] = refused(lambda: testing.get_all_templates("invalid"))
    assert (error, message[:42]) == ("ValidationError", "type invalid is not one of [sms, email, le")


def test_a_team_key_writes_to_its_team_alone(suite: dict[str, str]) -> None:
    team = client(suite, "TEAM_KEY")
    own = team.send_sms_notification(suite["FUNCTIONAL_TEST_NUMBER"], suite["SMS_TEMPLATE_ID"], NAME)
    assert wrong(shapes.TAKEN_SMS, own) == []
    status, [(error, message)] = refused(
        lambda: team.send_sms_notification("13900139000", suite["SMS_TEMPLATE_ID"], NAME)
    )
    assert (status, error) == (400, "BadRequestError")
    assert message.startswith("Can’t send to this recipient using a team-only API key")


# --- preparing it again --------------------------------------------------------


def test_preparing_again_makes_nothing_twice_and_gives_new_keys(
    instance: Instance, suite: dict[str, str]
) -> None:
    """What the suites look for keeps its ids; the keys of the run before end, for nobody can read them."""
    first, second = dict(suite), seeded(instance)
    keys = {"API_KEY", "API_SENDING_KEY", "INBOUND_SMS_QUERY_KEY", "TEAM_KEY"}
    changed = {name for name in first if first[name] != second[name]}
    assert changed == keys
    asking = client(second, "INBOUND_SMS_QUERY_KEY")
    texts = asking.get_received_texts()["received_text_messages"]
    assert len(texts) == 3
    names = [one["name"] for one in asking.get_all_templates()["templates"]]
    assert names.count("Client Functional test sms template") == 1
    suite |= second  # the tests after this one need keys that work
    revoked = [("AuthError", "Invalid token: API key revoked")]
    assert refused(client(first).get_all_templates)[1] == revoked


# --- the newcomer's page -----------------------------------------------------------------------------


def clone(instance: Instance, place: Path) -> dict[str, str]:
    """A folder that looks like a clone with this instance's state in it; returns its environment."""
    place.mkdir()
    for path in ROOT.iterdir():
        if path.name not in (".state", ".venv", "client"):
            (place / path.name).symlink_to(path)
    (place / ".state").symlink_to(instance.settings.state)
    (place / "client").symlink_to(sys.prefix)
    return bare(place, HUIYIN_VENV=sys.prefix)


def test_the_newcomers_page_works_as_it_stands(instance: Instance, tmp_path: Path) -> None:
    """Its commands, run one after the other, send both messages, and both arrive."""
    page = (ROOT / "docs" / "how-to" / "send-your-first-message.md").read_text("utf-8")
    shell = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL))
    [program] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    place = tmp_path / "clone"
    environment = clone(instance, place)
    (place / "first.py").write_text(program, "utf-8")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", shell.replace("http://127.0.0.1:12333", instance.url)],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("王芳您好，您的材料已收到，三个工作日内办结。") == 3
    asked = NotificationsAPIClient(str(instance.ready.credentials["api_key"]), instance.url)  # type: ignore[no-untyped-call]
    sent: Any = asked.get_all_notifications_iterator
    until(lambda: [one["status"] for one in sent()] == ["delivered"] * 2, 30)


# --- the Node client -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """The packages of tests/node, fetched once and kept; it is optional, so its lack fails nothing."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("There is no Node here; apt install nodejs npm.")
    wanted = (NODE / "package.json").read_bytes()
    place = Path(tempfile.gettempdir()) / f"huiyin-node-{hashlib.sha256(wanted).hexdigest()[:12]}"
    done = place / "done"
    if not done.exists():
        place.mkdir(mode=0o700, exist_ok=True)
        (place / "package.json").write_bytes(wanted)
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        if subprocess.run(command, cwd=place, capture_output=True, check=False, timeout=120).returncode:
            pytest.skip("npm cannot fetch notifications-node-client; is its registry reachable?")
        done.touch()
    return place / "node_modules"


def test_the_node_client_gets_what_its_own_suite_asks_for(suite: dict[str, str], node_modules: Path) -> None:
    """Every call that is not about letters, judged by the same shapes."""
    environment = {**bare(node_modules.parent, NODE_PATH=str(node_modules)), **suite}
    environment["PATH"] = os.environ["PATH"]
    done = subprocess.run(
        ["node", str(NODE / "calls.js")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    expected: dict[str, tuple[int, dict[str, Any]]] = {
        "send sms": (201, shapes.TAKEN_SMS),
        "send sms as": (201, shapes.TAKEN_SMS),
        "send email": (201, shapes.TAKEN_EMAIL),
        "send email to answer to": (201, shapes.TAKEN_EMAIL),
        "get sms": (200, shapes.NOTIFICATION),
        "get email": (200, shapes.NOTIFICATION),
        "get all": (200, shapes.NOTIFICATIONS),
        "get older": (200, shapes.NOTIFICATIONS),
        "get template": (200, shapes.TEMPLATE),
        "get version": (200, shapes.TEMPLATE),
        "get templates": (200, shapes.TEMPLATES),
        "get email templates": (200, shapes.TEMPLATES),
        "preview sms": (200, shapes.PREVIEW),
        "preview email": (200, shapes.PREVIEW),
        "received": (200, shapes.RECEIVED),
        "unknown": (404, shapes.PROBLEMS),
        "missing": (400, shapes.PROBLEMS),
        "bad key": (403, shapes.PROBLEMS),
    }
    assert said.keys() == expected.keys()
    found = {
        name: (answer["status"], wrong(expected[name][1], answer["data"])) for name, answer in said.items()
    }
    assert found == {name: (status, []) for name, (status, _) in expected.items()}
    assert said["send sms"]["data"]["content"]["body"] == said["get sms"]["data"]["body"] == SMS_SAID
    assert said["send email"]["data"]["content"]["body"] == said["get email"]["data"]["body"] == EMAIL_SAID
    assert said["missing"]["data"]["errors"][0]["message"] == "Missing personalisation: name"
    assert {one["reference"] for one in said["get all"]["data"]["notifications"]} == {"node"}
