"""Aliyun (阿里云) short messages: API dysmsapi of 2017-05-25, spoken by the vendor's own SDK.

Sources: the vendor's API reference and error-code list of dysmsapi, and the source of
aliyun-python-sdk-core 2.16.1. Nothing is idempotent there: whatever may have reached the
vendor without an answer is ``Unknown`` and is asked for with ``find`` before it is sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aliyunsdkdysmsapi.request.v20170525.AddSmsTemplateRequest import AddSmsTemplateRequest
from aliyunsdkdysmsapi.request.v20170525.QuerySendDetailsRequest import QuerySendDetailsRequest
from aliyunsdkdysmsapi.request.v20170525.QuerySmsSignRequest import QuerySmsSignRequest
from aliyunsdkdysmsapi.request.v20170525.QuerySmsTemplateRequest import QuerySmsTemplateRequest
from aliyunsdkdysmsapi.request.v20170525.SendBatchSmsRequest import SendBatchSmsRequest
from aliyunsdkdysmsapi.request.v20170525.SendSmsRequest import SendSmsRequest

from gateway.messages import Limits, Message
from gateway.providers import (
    Absent,
    Callback,
    CannotTell,
    Cause,
    Delivery,
    Finding,
    Found,
    Inbound,
    Inquiry,
    Outcome,
    Receipt,
    RegistrationRefused,
    RegistrationUnanswered,
    Rejected,
    Report,
    Review,
    Throttled,
    Unknown,
    Unreachable,
)
from integrations import aliyun_reviews
from integrations.aliyun_client import EncodedOnce
from integrations.aliyun_pushes import (
    FieldError,
    Pushes,
    address,
    beside,
    cause_of,
    moment,
    optional_word,
    read_each,
    word,
    words,
)
from integrations.aliyun_rpc import (
    ACCOUNT,
    CHINA,
    SHARED_OUTCOMES,
    SMS_CAPS,
    Refusal,
    connect,
    json_of,
    number_of,
    outcome_of,
)
from integrations.aliyun_statistics import DaySums

SETTINGS: dict[str, str] = {**ACCOUNT, "ALIYUN_SMS_SIGN_NAME": "the approved signature, e.g. 常德人社"}

OUTCOMES: dict[str, Outcome] = {
    outcome.code: outcome
    for outcome in (
        *SHARED_OUTCOMES,
        Rejected("isv.MOBILE_COUNT_OVER_LIMIT", Cause.RECIPIENT),
        Rejected("isv.CUSTOMER_REFUSED", Cause.OPTED_OUT),
        Rejected("isv.SMS_TEMPLATE_ILLEGAL", Cause.CONTENT),
        Rejected("isv.SMS_SIGNATURE_ILLEGAL", Cause.CONTENT),
        Rejected("isv.SMS_SIGN_ILLEGAL", Cause.CONTENT),
        Rejected("isv.SIGN_STATE_ILLEGAL", Cause.CONTENT),
        Rejected("isv.SMS_SIGNATURE_SCENE_ILLEGAL", Cause.CONTENT),
        Rejected("isv.SMS_CONTENT_ILLEGAL", Cause.CONTENT),
        Rejected("isv.DOMESTIC_NUMBER_NOT_SUPPORTED", Cause.CONTENT),
        Rejected("isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE", Cause.CONTENT),
        Rejected("isv.UNSUPPORTED_CONTENT", Cause.CONTENT),  # traditional characters, emoji
        Rejected("isv.EXTEND_CODE_ERROR", Cause.CONTENT),
        Rejected("isv.ONE_CODE_MULTIPLE_SIGN", Cause.CONTENT),
        Rejected("isv.CODE_EXCEED_LIMIT", Cause.CONTENT),
        Rejected("isv.CODE_ERROR", Cause.CONTENT),
        Rejected("isv.SMS_TEST_SIGN_TEMPLATE_LIMIT", Cause.CONTENT),
        Rejected("isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL", Cause.CONTENT),
        Rejected("isv.SMS_TEST_NUMBER_LIMIT", Cause.ACCOUNT),  # a signature for tests reaches nobody else
    )
}

# Why a message did not arrive: the codes of SmsReport, and of the carriers' own those that say one thing.
CAUSES: dict[str, Cause] = {
    "MOBILE_NOT_ON_SERVICE": Cause.AWAY,  # off, out of reach, suspended or no such number: it does not say
    "MOBLLE_TERMINAL_ERROR": Cause.AWAY,  # the vendor's spelling: the handset is full or unfit
    "MOBILE_ACCOUNT_ABNORMAL": Cause.AWAY,  # in arrears, or just moved to another carrier
    "MOBILE_SEND_LIMIT": Cause.AWAY,
    "SP_UNKNOWN_ERROR": Cause.AWAY,
    "IS_CLOSE": Cause.AWAY,  # the vendor's line to the carrier is closed, and taken out by itself
    "NO_ROUTE": Cause.AWAY,
    "UNDELIV": Cause.AWAY,
    "EXPIRED": Cause.AWAY,
    # A carrier refused it. Aliyun does not say whether for the words, the sender or a list of the
    # person's: nothing follows for the text or the number.
    "REJECTD": Cause.UNSPECIFIED,
    "INVALID_NUMBER": Cause.RECIPIENT,
    "MOBILE_IN_BLACK": Cause.OPTED_OUT,
    "USER_REJECT": Cause.OPTED_OUT,
    "CONTENT_KEYWORD": Cause.CONTENT,
    "CONTENT_ERROR": Cause.CONTENT,
    "SIGNATURE_BLACKLIST": Cause.CONTENT,
    "PORT_NOT_REGISTERED": Cause.CONTENT,
    "PARAMS_ILLEGAL": Cause.CONTENT,
    "SP_NOT_BY_INTER_SMS": Cause.CONTENT,  # takes no messages from abroad: another route may be domestic
}
# A call's codes come in receipts, too, where the vendor finds the fault only afterwards.
ALL_CAUSES = {one.code: one.cause for one in OUTCOMES.values() if isinstance(one, Rejected)} | CAUSES

# One message is enough to have the vendor refuse the whole batch with one of these.
SPOILS_BATCH = frozenset(
    {
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.MOBILE_COUNT_OVER_LIMIT",
        "isv.BUSINESS_LIMIT_CONTROL",
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        "isv.TEMPLATE_MISSING_PARAMETERS",
        "isv.TEMPLATE_PARAMS_ILLEGAL",
        "isv.PARAM_LENGTH_LIMIT",
        "isv.PARAM_NOT_SUPPORT_URL",
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.SMS_CONTENT_ILLEGAL",
        "isv.UNSUPPORTED_CONTENT",
        "isv.CUSTOMER_REFUSED",
    }
)

TEMPLATE_TYPES = {"code": "0", "notice": "1"}
LONGEST_NAME = 30  # characters of a template's name
PAGE_SIZE = 50  # the most QuerySendDetails gives
SPILL = timedelta(minutes=5)  # so shortly before midnight, a message may be filed under the next day

Clock = Callable[[], datetime]


class _Send(EncodedOnce, SendSmsRequest):  # type: ignore[misc]
    """One message."""


class _SendBatch(EncodedOnce, SendBatchSmsRequest):  # type: ignore[misc]
    """Up to a hundred."""


class AliyunSms(Pushes, DaySums):
    """``Sender``, ``Inquirer``, ``Reporter``, ``TemplateRegistrar`` and ``DayCounter`` in one.

    Safe in up to 16 threads.
    """

    name: str = "aliyun_sms"
    channel: str = "sms"
    batch: int = 100
    needs_template: bool = True
    limits: Limits = Limits(
        text=500, signed=True, variable=35, empty=False, links_in_values=False, caps=SMS_CAPS
    )
    reports: frozenset[str] = frozenset({"sms-report", "sms-up"})

    def __init__(self, settings: Mapping[str, str], clock: Clock) -> None:
        super().__init__(settings["ALIYUN_CALLBACK_NETWORKS"])
        self._rpc = connect(settings, "ALIYUN_SMS_ENDPOINT", "dysmsapi.aliyuncs.com")
        self.sign_name = settings["ALIYUN_SMS_SIGN_NAME"]
        self._clock = clock

    # --- Sender ---

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Make one call; when one message spoils the batch, halve it until the others have gone.

        The vendor refuses a batch as a whole, surely taking nothing of it, so the halves are
        handed over under the same id. Stops at a lost connection, and begins no call after the time
        for one answer is over: all must end within a lease. If nobody's outcome is known by then,
        the first message goes alone, so that the same batch does not end in nothing again.
        """
        outcomes: list[Outcome] = []
        parts = [len(messages)]  # how the others are handed over, last part first
        end = time.monotonic() + self._rpc.timeout
        while parts:
            late = time.monotonic() > end
            if late and outcomes:
                break
            size = 1 if late else parts.pop()
            outcome = self._send(handover, messages[len(outcomes) :][:size])
            if size > 1 and _spoilt(outcome):
                parts += [size - size // 2, size // 2]
                continue
            outcomes += [outcome] * size
            if isinstance(outcome, Unknown | Unreachable):
                break
        return [*outcomes, *[Unreachable("not_tried")] * (len(messages) - len(outcomes))]

    def _send(self, handover: str, messages: Sequence[Message]) -> Outcome:
        template = messages[0].template
        if not template or any(message.template != template for message in messages):
            return Rejected("no_common_template", Cause.OURS)
        request = self._single(messages[0]) if len(messages) == 1 else self._many(messages)
        request.add_query_param("TemplateCode", template)
        request.add_query_param("OutId", handover)
        return outcome_of(self._rpc.ask(request), "BizId", OUTCOMES, self._clock())

    def _single(self, message: Message) -> Any:
        return self._rpc.request(
            _Send,
            PhoneNumbers=number_of(message.address),
            SignName=message.signature or self.sign_name,
            TemplateParam=json_of(dict(message.params)),
        )

    def _many(self, messages: Sequence[Message]) -> Any:
        return self._rpc.request(
            _SendBatch,
            PhoneNumberJson=json_of([number_of(message.address) for message in messages]),
            SignNameJson=json_of([message.signature or self.sign_name for message in messages]),
            TemplateParamJson=json_of([dict(message.params) for message in messages]),
        )

    # --- Inquirer ---

    def find(self, inquiry: Inquiry) -> Finding:
        """Look through the vendor's list of that number and day for our hand-over id.

        The list carries no BizId, so what is found has no reference: its receipt is matched by
        hand-over id and address. It may lag some seconds behind; wait before asking.
        """
        days = {(inquiry.at + spill).astimezone(CHINA).date() for spill in (timedelta(0), SPILL)}
        for day in sorted(days):
            finding = self._find_on(f"{day:%Y%m%d}", inquiry)
            if not isinstance(finding, Absent):
                return finding
        return Absent()

    def _find_on(self, day: str, inquiry: Inquiry) -> Finding:
        seen, page = 0, 1
        while True:
            answer = self._rpc.ask(self._details_page(day, inquiry, page))
            if not isinstance(answer, dict):
                return CannotTell(answer.code)
            listed = _details(answer)
            if listed is None:
                return CannotTell("unreadable_answer")
            rows, total = listed
            if any(row.get("OutId") == inquiry.handover for row in rows):
                return Found("")
            seen += len(rows)
            if seen >= total:
                return Absent()
            if not rows:
                return CannotTell("incomplete_list")
            page += 1

    def _details_page(self, day: str, inquiry: Inquiry, page: int) -> Any:
        return self._rpc.request(
            QuerySendDetailsRequest,
            PhoneNumber=number_of(inquiry.address),
            SendDate=day,
            PageSize=str(PAGE_SIZE),
            CurrentPage=str(page),
        )

    # --- Reporter ---

    def parse(self, callback: Callback) -> Sequence[Report]:
        """Read an SmsReport or, by its kind, an SmsUp."""
        read: Callable[[Mapping[str, Any]], Report] = _inbound if callback.kind == "sms-up" else _receipt
        return read_each(callback.body, lambda report: [read(report)])

    # --- TemplateRegistrar ---

    def register(self, name: str, body: str, kind: str) -> str:
        """Hand in a text; the review takes the vendor up to some hours."""
        request = self._rpc.request(
            AddSmsTemplateRequest,
            TemplateType=TEMPLATE_TYPES[kind],
            TemplateName=name[-LONGEST_NAME:],  # its end tells languages apart
            TemplateContent=body,
            Remark=name,
        )
        answer = self._rpc.ask(request)
        if isinstance(answer, dict) and answer.get("TemplateCode"):
            return str(answer["TemplateCode"])
        if isinstance(answer, Refusal):
            raise RegistrationRefused(aliyun_reviews.reason(answer))
        raise RegistrationUnanswered(aliyun_reviews.reason(answer))

    def review(self, code: str, body: str = "") -> Review:
        """Ask for the judgement; while the vendor cannot be asked it counts as pending."""
        answer = self._rpc.ask(self._rpc.request(QuerySmsTemplateRequest, TemplateCode=code))
        return aliyun_reviews.compared(aliyun_reviews.read(answer, "TemplateStatus"), answer, body)

    def review_signature(self) -> Review:
        """The same of the name in the settings."""
        answer = self._rpc.ask(self._rpc.request(QuerySmsSignRequest, SignName=self.sign_name))
        return aliyun_reviews.read(answer, "SignStatus")


def build(settings: Mapping[str, str], clock: Clock = lambda: datetime.now(UTC)) -> AliyunSms:
    """Optional settings: ALIYUN_SMS_ENDPOINT (dysmsapi.aliyuncs.com), ALIYUN_TIMEOUT_SECONDS (3).

    Raises ``ValueError`` for an endpoint, network or number that is none.
    """
    return AliyunSms(settings, clock)


# --- reading answers -------------------------------------------------------------------


def _spoilt(outcome: Outcome) -> bool:
    return isinstance(outcome, Throttled | Rejected) and outcome.code in SPOILS_BATCH


def _details(answer: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int] | None:
    try:
        rows = answer["SmsSendDetailDTOs"]["SmsSendDetailDTO"]
        total = int(answer["TotalCount"])
    except (KeyError, TypeError, ValueError):
        return None
    valid = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    return (rows, total) if valid else None


def _receipt(report: Mapping[str, Any]) -> Receipt:
    success, code = report.get("success"), optional_word(report, "err_code")
    if not isinstance(success, bool):
        raise FieldError("success", "no truth value")
    delivery = _delivery(success, code)
    return Receipt(
        reference=word(report, "biz_id"),
        address=address(report, "phone_number"),
        delivery=delivery,
        code=code,
        at=moment(report, "report_time"),
        handover=optional_word(report, "out_id"),
        cause=cause_of(delivery, code, ALL_CAUSES),
    )


def _delivery(success: bool, code: str) -> Delivery:
    if code == "REQUEST_SUCCESS":  # sent on, but no word from the carrier
        return Delivery.PENDING
    return Delivery.DELIVERED if success else Delivery.UNDELIVERED


def _inbound(report: Mapping[str, Any]) -> Inbound:
    return Inbound(
        id=word(report, "sequence_id"),
        address=address(report, "phone_number"),
        to=beside(report, "dest_code"),
        text=words(report, "content"),
        at=moment(report, "send_time"),
    )
