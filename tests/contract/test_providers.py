"""Every provider with vectors is held to the contract: its real client, a server with canned answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway import channels
from gateway.messages import Attachment, Limits, Message
from gateway.provider_books import BooksUnanswered, DayCounter, DayLister, Record
from gateway.providers import (
    Callback,
    Cause,
    Delivery,
    Inquirer,
    Inquiry,
    Receipt,
    RegistrationRefused,
    RegistrationUnanswered,
    Reporter,
    Review,
    Sender,
    TemplateRegistrar,
)
from tests.contract import contract_vectors as vectors
from tests.contract import situations
from tests.contract.canned_server import CannedServer, free_port
from tests.contract.canned_smtp import CannedSmtp

KIND = "providers"
INTEGRATIONS = Path(__file__).parents[2] / "integrations"
REPORTERS = [name for name in vectors.names(KIND) if "acknowledgement" in vectors.load(KIND, name)]


def as_it_is(moment: datetime) -> datetime:
    return moment


def built(name: str, url: str) -> Any:
    return vectors.build(KIND, name, url, as_it_is)


def messages_of(case: dict[str, Any]) -> list[Message]:
    return [message_of(**message) for message in case["messages"]]


def message_of(attachments: Sequence[dict[str, Any]] = (), expires_at: str = "", **fields: Any) -> Message:
    files = tuple(Attachment(**{**one, "body": base64.b64decode(one["body"])}) for one in attachments)
    until = datetime.fromisoformat(expires_at) if expires_at else None
    return Message(**fields, attachments=files, expires_at=until)


def check_nothing_personal(name: str, text: str) -> None:
    for word in vectors.load(KIND, name)["personal"]:
        assert word not in text, "personal data or a secret was said aloud"


HARMLESS = ("AccessKeyId", "SignatureNonce", "Signature")


def in_the_url(server: CannedServer | CannedSmtp) -> str:
    """Whatever proxies and access logs see; a key id is no secret, and random characters mean nothing."""
    pairs = [pair for request in server.requests for pair in request.query.items()]
    return " ".join(value for name, value in pairs if name not in HARMLESS)


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "hand_over"))
def test_a_hand_over_ends_in_the_outcome_the_vendor_s_answer_means(
    name: str, case: dict[str, Any], everything_said: Callable[[], str]
) -> None:
    with vectors.server(KIND, name, case["answers"]) as server:
        outcomes = built(name, server.url).hand_over(case["handover"], messages_of(case))
    assert vectors.described(outcomes) == case["outcomes"]
    assert not server.answers, "a canned answer was not used"
    assert not server.unexpected, "there was one call too many"
    vectors.check_sent(server.requests, case.get("sent", [{} for _ in server.requests]))
    check_nothing_personal(name, everything_said() + repr(outcomes))
    check_nothing_personal(name, in_the_url(server))


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "codes"))
def test_each_of_the_vendor_s_codes_has_its_outcome(
    name: str, case: dict[str, Any], everything_said: Callable[[], str]
) -> None:
    loaded = vectors.load(KIND, name)
    body = json.loads(json.dumps(loaded.get("code_answer")).replace("{code}", case["code"]))
    answer = case.get("answer") or {"status": case["status"], "json": body}
    with vectors.server(KIND, name, [answer] * case.get("calls", 1)) as server:
        outcomes = built(name, server.url).hand_over("h1", messages_of(loaded["one"]))
    assert vectors.described(outcomes) == [case["outcome"]]
    assert not server.answers
    assert not server.unexpected
    check_nothing_personal(name, everything_said() + repr(outcomes))


@pytest.mark.parametrize("name", vectors.names(KIND))
def test_the_vectors_show_every_situation(name: str) -> None:
    module = vectors.module(name)
    causes = getattr(module, "CAUSES", {})
    missing = situations.lacking(vectors.load(KIND, name), module.OUTCOMES, causes)
    if missing:
        pytest.fail("\n".join(f"{name}: {one}" for one in missing), pytrace=False)


@pytest.mark.parametrize("name", vectors.names(KIND))
def test_every_code_in_the_provider_s_table_has_a_vector(name: str) -> None:
    tested = {case["code"] for case in vectors.load(KIND, name)["codes"]}
    assert tested >= set(vectors.module(name).OUTCOMES)


def test_every_integration_has_its_vectors() -> None:
    files = (path.stem for path in INTEGRATIONS.glob("*.py") if "def build(" in path.read_text())
    assert set(files) == {*vectors.names(KIND), *vectors.names("back_offices")}


@pytest.mark.parametrize("name", vectors.names(KIND))
def test_a_provider_is_what_its_file_and_its_vectors_say(name: str) -> None:
    provider, loaded = built(name, "http://127.0.0.1:1"), vectors.load(KIND, name)
    assert isinstance(provider, Sender)
    assert isinstance(provider.limits, Limits)
    assert (provider.name, provider.batch > 0) == (name, True)
    channels.load(provider.channel)
    assert isinstance(provider, Reporter) == ("acknowledgement" in loaded)
    assert isinstance(provider, Inquirer) == ("find" in loaded)
    assert isinstance(provider, TemplateRegistrar) == ("register" in loaded)


@pytest.mark.parametrize("name", [name for name in vectors.names(KIND) if vectors.has_a_wire(KIND, name)])
def test_a_provider_nobody_answers_for_is_unreachable(name: str, everything_said: Callable[[], str]) -> None:
    one = messages_of(vectors.load(KIND, name)["one"])
    outcomes = built(name, f"http://127.0.0.1:{free_port()}").hand_over("h1", one)
    assert [type(outcome).__name__ for outcome in outcomes] == ["Unreachable"]
    check_nothing_personal(name, everything_said() + repr(outcomes))


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "find"))
def test_an_inquiry_finds_what_the_vendor_has(
    name: str, case: dict[str, Any], everything_said: Callable[[], str]
) -> None:
    at = datetime.fromisoformat(case["at"])
    words = case.get("text", ""), case.get("signature", "")
    inquiry = Inquiry(case["address"], case["handover"], at, *words)
    with CannedServer(case["answers"]) as server:
        finding = built(name, server.url).find(inquiry)
    assert vectors.described(finding) == case["finding"]
    assert not server.answers
    assert not server.unexpected
    vectors.check_sent(server.requests, case.get("sent", [{} for _ in server.requests]))
    check_nothing_personal(name, everything_said() + repr(finding))


def callback_of(name: str, case: dict[str, Any]) -> Callback:
    """The push a case describes; its kind is the case's own, else the one the file names for all."""
    body = json.dumps(case["json"]) if "json" in case else case.get("body", "")
    return Callback(
        kind=case.get("kind") or vectors.load(KIND, name)["kind"],
        url=case.get("url", "https://example.cn/callbacks/x"),
        headers=case.get("headers", {}),
        body=base64.b64decode(case["base64"]) if "base64" in case else body.encode(),
        remote=case.get("remote", ""),
    )


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "parse"))
def test_a_push_is_read_into_reports_and_a_second_time_alike(name: str, case: dict[str, Any]) -> None:
    provider, push = built(name, "http://127.0.0.1:1"), callback_of(name, case)
    reports = provider.parse(push)
    assert vectors.described(reports) == [vectors.whole(report) for report in case["reports"]]
    assert provider.parse(push) == reports, "the same push twice must read the same"


CAUSES = [
    pytest.param(name, code, cause, id=f"{name}: {code}")
    for name in REPORTERS
    for code, cause in vectors.load(KIND, name).get("causes", {}).items()
]


@pytest.mark.parametrize(("name", "code", "cause"), CAUSES)
def test_each_code_of_a_receipt_has_its_cause(name: str, code: str, cause: str) -> None:
    push = json.loads(json.dumps(vectors.load(KIND, name)["cause_push"]).replace("{code}", code))
    reports = built(name, "http://127.0.0.1:1").parse(callback_of(name, push))
    receipts = [report for report in reports if isinstance(report, Receipt)]
    assert [(one.delivery, one.code, one.cause) for one in receipts] == [
        (Delivery.UNDELIVERED, code, Cause(cause))
    ]


@pytest.mark.parametrize("name", REPORTERS)
def test_every_kind_of_push_has_a_vector(name: str) -> None:
    kinds = {callback_of(name, case).kind for case in vectors.load(KIND, name)["parse"]}
    assert kinds == built(name, "http://127.0.0.1:1").reports


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "bad_reports"))
def test_a_body_that_is_no_report_is_refused_without_repeating_it(
    name: str, case: dict[str, Any], everything_said: Callable[[], str]
) -> None:
    with pytest.raises(ValueError) as refusal:
        built(name, "http://127.0.0.1:1").parse(callback_of(name, case))
    chain = [refusal.value, refusal.value.__cause__, refusal.value.__context__]
    check_nothing_personal(name, everything_said() + " ".join(map(repr, chain)))


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "verify"))
def test_only_what_comes_from_the_vendor_is_believed(name: str, case: dict[str, Any]) -> None:
    assert built(name, "http://127.0.0.1:1").verify(callback_of(name, case)) is case["genuine"]


@pytest.mark.parametrize("name", REPORTERS)
def test_a_report_is_acknowledged_in_the_vendor_s_words(name: str) -> None:
    expected = vectors.load(KIND, name)["acknowledgement"]
    provider = built(name, "http://127.0.0.1:1")
    assert {kind: list(provider.acknowledgement(kind)) for kind in provider.reports} == expected


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "register"))
def test_a_template_is_handed_in_or_refused_with_the_vendor_s_reason(name: str, case: dict[str, Any]) -> None:
    with CannedServer(case["answers"]) as server:
        provider = built(name, server.url)
        if "refused" in case:
            with pytest.raises(RegistrationRefused, match=case["refused"]):
                provider.register(**case["template"])
        elif "unanswered" in case:
            with pytest.raises(RegistrationUnanswered, match=case["unanswered"]):
                provider.register(**case["template"])
        else:
            assert provider.register(**case["template"]) == case["code"]
    vectors.check_sent(server.requests, case.get("sent", [{} for _ in server.requests]))


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "counted"))
def test_a_day_is_summed_up_or_not_told(
    name: str, case: dict[str, Any], everything_said: Callable[[], str]
) -> None:
    check_books(name, case, "totals", lambda provider, day: provider.counted(day), everything_said)


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "recorded"))
def test_a_day_is_listed_to_its_end_or_not_told(
    name: str, case: dict[str, Any], everything_said: Callable[[], str]
) -> None:
    def listed(provider: DayLister, day: date) -> list[Record]:
        return [one for page in provider.recorded(day) for one in page]

    check_books(name, case, "records", listed, everything_said)


def check_books(
    name: str,
    case: dict[str, Any],
    told: str,
    read: Callable[[Any, date], Any],
    everything_said: Callable[[], str],
) -> None:
    day = date.fromisoformat(case["day"])
    with CannedServer(case["answers"]) as server:
        provider = built(name, server.url)
        assert isinstance(provider, DayCounter if told == "totals" else DayLister)
        if "unanswered" in case:
            with pytest.raises(BooksUnanswered, match=f"^{case['unanswered']}$"):
                read(provider, day)
        else:
            assert vectors.described(read(provider, day)) == case[told]
    assert not server.answers
    assert not server.unexpected
    vectors.check_sent(server.requests, case.get("sent", [{} for _ in server.requests]))
    check_nothing_personal(name, everything_said())


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "review"))
def test_a_review_is_pending_approved_or_refused_with_its_reason(name: str, case: dict[str, Any]) -> None:
    check_review(name, case, lambda provider: provider.review(case.get("code", "SMS_1")))


@pytest.mark.parametrize(("name", "case"), vectors.cases(KIND, "review_signature"))
def test_the_signature_s_review_is_read_alike(name: str, case: dict[str, Any]) -> None:
    check_review(name, case, lambda provider: provider.review_signature())


def check_review(name: str, case: dict[str, Any], ask: Callable[[Any], Review]) -> None:
    with CannedServer(case["answers"]) as server:
        review = ask(built(name, server.url))
    assert vectors.described(review) == case["review"]
    assert not server.answers
    assert not server.unexpected
    vectors.check_sent(server.requests, case.get("sent", [{} for _ in server.requests]))
