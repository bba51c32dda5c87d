"""Aliyun (阿里云) short messages: API dysmsapi of 2017-05-25, spoken by the vendor's own SDK.

Sources: the vendor's API reference and error-code list of dysmsapi, and the source of
aliyun-python-sdk-core 2.16.1. Nothing is idempotent there: whatever may have reached the
vendor without an answer is ``Unknown`` and is asked for with ``find`` before it is sent again.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from aliyunsdkdysmsapi.request.v20170525.AddSmsTemplateRequest import AddSmsTemplateRequest
from aliyunsdkdysmsapi.request.v20170525.QuerySendDetailsRequest import QuerySendDetailsRequest
from aliyunsdkdysmsapi.request.v20170525.QuerySmsTemplateRequest import QuerySmsTemplateRequest
from aliyunsdkdysmsapi.request.v20170525.SendBatchSmsRequest import SendBatchSmsRequest
from aliyunsdkdysmsapi.request.v20170525.SendSmsRequest import SendSmsRequest

from gateway.providers import (
    Absent,
    Accepted,
    Callback,
    CannotTell,
    Cause,
    Delivery,
    Finding,
    Found,
    Inquiry,
    Message,
    Outcome,
    Receipt,
    RegistrationRefused,
    RegistrationUnanswered,
    Rejected,
    Review,
    ReviewState,
    Throttled,
    Unknown,
    Unreachable,
    seconds,
)
from integrations.aliyun_rpc import Failure, Refusal, Rpc

SETTINGS: dict[str, str] = {
    "ALIYUN_ACCESS_KEY_ID": "the access key id of the account",
    "ALIYUN_ACCESS_KEY_SECRET": "its secret",
    "ALIYUN_SMS_SIGN_NAME": "the approved signature, e.g. 常德人社",
    "ALIYUN_CALLBACK_NETWORKS": "comma-separated addresses or networks reports come from",
}

OUTCOMES: dict[str, Outcome] = {
    outcome.code: outcome
    for outcome in (
        Throttled("isv.BUSINESS_LIMIT_CONTROL"),  # per number; ``until`` is read from its message
        Throttled("Throttling.User"),
        Rejected("isv.DAY_LIMIT_CONTROL", Cause.ACCOUNT),
        Rejected("isv.MONTH_LIMIT_CONTROL", Cause.ACCOUNT),
        Unknown("isp.SYSTEM_ERROR"),  # both are known to have sent the message nevertheless
        Unknown("isp.GATEWAY_ERROR"),
        Rejected("isv.AMOUNT_NOT_ENOUGH", Cause.ACCOUNT),
        Rejected("isv.OUT_OF_SERVICE", Cause.ACCOUNT),
        Rejected("isp.RAM_PERMISSION_DENY", Cause.ACCOUNT),
        Rejected("isv.ACCOUNT_NOT_EXISTS", Cause.ACCOUNT),
        Rejected("isv.ACCOUNT_ABNORMAL", Cause.ACCOUNT),
        Rejected("isv.PRODUCT_UN_SUBSCRIPT", Cause.ACCOUNT),
        Rejected("isv.PRODUCT_UNSUBSCRIBE", Cause.ACCOUNT),
        Rejected("isv.DENY_IP_RANGE", Cause.ACCOUNT),
        Rejected("InvalidAccessKeyId.NotFound", Cause.ACCOUNT),
        Rejected("InvalidAccessKeyId.Inactive", Cause.ACCOUNT),
        Rejected("InvalidAccessKeySecret", Cause.ACCOUNT),  # the SDK's word for a wrong secret
        Rejected("isv.MOBILE_NUMBER_ILLEGAL", Cause.RECIPIENT),
        Rejected("isv.MOBILE_COUNT_OVER_LIMIT", Cause.RECIPIENT),
        Rejected("isv.SMS_TEMPLATE_ILLEGAL", Cause.CONTENT),
        Rejected("isv.SMS_SIGNATURE_ILLEGAL", Cause.CONTENT),
        Rejected("isv.SIGN_STATE_ILLEGAL", Cause.CONTENT),
        Rejected("isv.SMS_SIGNATURE_SCENE_ILLEGAL", Cause.CONTENT),
        Rejected("isv.TEMPLATE_MISSING_PARAMETERS", Cause.CONTENT),
        Rejected("isv.INVALID_JSON_PARAM", Cause.CONTENT),
        Rejected("isv.PARAM_LENGTH_LIMIT", Cause.CONTENT),
        Rejected("isv.INVALID_PARAMETERS", Cause.CONTENT),
        Rejected("isv.TEMPLATE_PARAMS_ILLEGAL", Cause.CONTENT),
        Rejected("isv.BLACK_KEY_CONTROL_LIMIT", Cause.CONTENT),
        Rejected("isv.PARAM_NOT_SUPPORT_URL", Cause.CONTENT),
        Rejected("isv.SMS_CONTENT_ILLEGAL", Cause.CONTENT),
        Rejected("isv.DOMESTIC_NUMBER_NOT_SUPPORTED", Cause.CONTENT),
        Rejected("isv.EXTEND_CODE_ERROR", Cause.CONTENT),
        Rejected("SignatureDoesNotMatch", Cause.OURS),
        Rejected("InvalidVersion", Cause.OURS),
        Rejected("InvalidAction.NotFound", Cause.OURS),
        Rejected("InvalidTimeStamp.Expired", Cause.OURS),  # after the second try: our clock is wrong
        Rejected("SignatureNonceUsed", Cause.OURS),
    )
}

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
    }
)

CHINA = timezone(timedelta(hours=8))
REVIEW_STATES = {"0": ReviewState.PENDING, "1": ReviewState.APPROVED}
TEMPLATE_TYPES = {"code": "0", "notice": "1"}
PAGE_SIZE = 50  # the most QuerySendDetails gives
SPILL = timedelta(minutes=5)  # so shortly before midnight, a message may be filed under the next day

Clock = Callable[[], datetime]


class AliyunSms:
    """``Sender``, ``Inquirer``, ``Reporter`` and ``TemplateRegistrar`` in one; safe in up to 16 threads."""

    name: str = "aliyun_sms"
    channel: str = "sms"
    batch: int = 100
    needs_template: bool = True

    def __init__(self, settings: Mapping[str, str], clock: Clock) -> None:
        self._rpc = Rpc(
            settings["ALIYUN_ACCESS_KEY_ID"],
            settings["ALIYUN_ACCESS_KEY_SECRET"],
            settings.get("ALIYUN_SMS_ENDPOINT") or "dysmsapi.aliyuncs.com",
            seconds(settings, "ALIYUN_TIMEOUT_SECONDS", 3),
        )
        self._sign_name = settings["ALIYUN_SMS_SIGN_NAME"]
        self._networks = _networks(settings["ALIYUN_CALLBACK_NETWORKS"])
        self._clock = clock

    # --- Sender ---

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Make one call; when one message spoils the batch, halve it until the others have gone.

        The vendor refuses a batch as a whole, surely taking nothing of it, so the halves are
        handed over under the same id. Stops at a lost connection, to stay within a lease.
        """
        outcome = self._send(handover, messages)
        if len(messages) == 1 or isinstance(outcome, Accepted) or outcome.code not in SPOILS_BATCH:
            return [outcome] * len(messages)
        half = len(messages) // 2
        first = self.hand_over(handover, messages[:half])
        if isinstance(first[-1], Unknown | Unreachable):
            return [*first, *[Unreachable("not_tried")] * (len(messages) - half)]
        return [*first, *self.hand_over(handover, messages[half:])]

    def _send(self, handover: str, messages: Sequence[Message]) -> Outcome:
        template = messages[0].template
        if not template or any(message.template != template for message in messages):
            return Rejected("no_common_template", Cause.OURS)
        request = self._single(messages[0]) if len(messages) == 1 else self._many(messages)
        request.add_query_param("TemplateCode", template)
        request.add_query_param("OutId", handover)
        answer = self._rpc.ask(request)
        if isinstance(answer, dict):
            reference = answer.get("BizId")
            return Accepted(str(reference)) if reference else Unknown("no_reference")
        return self._outcome(answer)

    def _single(self, message: Message) -> Any:
        return self._rpc.request(
            SendSmsRequest,
            PhoneNumbers=_number(message.address),
            SignName=message.signature or self._sign_name,
            TemplateParam=_json(dict(message.params)),
        )

    def _many(self, messages: Sequence[Message]) -> Any:
        return self._rpc.request(
            SendBatchSmsRequest,
            PhoneNumberJson=_json([_number(message.address) for message in messages]),
            SignNameJson=_json([message.signature or self._sign_name for message in messages]),
            TemplateParamJson=_json([dict(message.params) for message in messages]),
        )

    def _outcome(self, failure: Failure) -> Outcome:
        if not isinstance(failure, Refusal):
            return failure
        outcome = OUTCOMES.get(failure.code, Rejected(failure.code))
        if isinstance(outcome, Throttled):
            return replace(outcome, until=_next_window(failure.message, self._clock()))
        return outcome

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
            PhoneNumber=_number(inquiry.address),
            SendDate=day,
            PageSize=str(PAGE_SIZE),
            CurrentPage=str(page),
        )

    # --- Reporter ---

    def verify(self, callback: Callback) -> bool:
        """Whether it comes from the vendor's networks: reports carry no signature."""
        try:
            remote = ipaddress.ip_address(callback.remote)
        except ValueError:
            return False
        remote = getattr(remote, "ipv4_mapped", None) or remote
        return any(remote in network for network in self._networks)

    def parse(self, callback: Callback) -> Sequence[Receipt]:
        """Read an SmsReport: a JSON array of reports, times in UTC+8."""
        reports = _decoded(callback.body)
        if not isinstance(reports, list):
            raise ValueError("An SmsReport is a JSON array.")
        return [_receipt(report) for report in reports]

    def acknowledgement(self) -> tuple[str, str]:
        """Anything but this is pushed again after 1, 5 and 10 minutes."""
        return '{"code":0,"msg":"ok"}', "application/json"

    # --- TemplateRegistrar ---

    def register(self, name: str, body: str, kind: str) -> str:
        """Hand in a text; the review takes the vendor up to some hours."""
        request = self._rpc.request(
            AddSmsTemplateRequest,
            TemplateType=TEMPLATE_TYPES[kind],
            TemplateName=name,
            TemplateContent=body,
            Remark=name,
        )
        answer = self._rpc.ask(request)
        if isinstance(answer, dict) and answer.get("TemplateCode"):
            return str(answer["TemplateCode"])
        if isinstance(answer, Refusal):
            raise RegistrationRefused(_reason(answer))
        raise RegistrationUnanswered(_reason(answer))

    def review(self, code: str) -> Review:
        """Ask for the judgement; while the vendor cannot be asked it counts as pending."""
        answer = self._rpc.ask(self._rpc.request(QuerySmsTemplateRequest, TemplateCode=code))
        if isinstance(answer, Refusal):
            return Review(ReviewState.REFUSED, _reason(answer))
        if not isinstance(answer, dict):
            return Review(ReviewState.PENDING, answer.code)
        state = REVIEW_STATES.get(str(answer.get("TemplateStatus")), ReviewState.REFUSED)
        return Review(state, str(answer.get("Reason") or "") if state is ReviewState.REFUSED else "")


def build(settings: Mapping[str, str], clock: Clock = lambda: datetime.now(UTC)) -> AliyunSms:
    """Optional settings: ALIYUN_SMS_ENDPOINT (dysmsapi.aliyuncs.com), ALIYUN_TIMEOUT_SECONDS (3).

    Raises ``ValueError`` for an endpoint, network or number that is none.
    """
    return AliyunSms(settings, clock)


# --- reading answers -------------------------------------------------------------------


def _next_window(message: str, now: datetime) -> datetime | None:
    """When the window named in 触发…级流控 ends; windows are calendar ones in UTC+8."""
    local = now.astimezone(CHINA).replace(second=0, microsecond=0)
    if "分钟级" in message:
        return local + timedelta(minutes=1)
    if "小时级" in message:
        return local.replace(minute=0) + timedelta(hours=1)
    if "天级" in message:
        return local.replace(hour=0, minute=0) + timedelta(days=1)
    return None


def _details(answer: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int] | None:
    try:
        rows = answer["SmsSendDetailDTOs"]["SmsSendDetailDTO"]
        total = int(answer["TotalCount"])
    except (KeyError, TypeError, ValueError):
        return None
    valid = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    return (rows, total) if valid else None


def _reason(answer: dict[str, Any] | Failure) -> str:
    if isinstance(answer, Refusal):
        return f"{answer.code} {answer.message}".strip()  # about a template: no personal data in it
    return "no_template_code" if isinstance(answer, dict) else answer.code


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None  # raised by the caller, without the body that the decoder's error carries


def _receipt(report: Any) -> Receipt:
    fields = report if isinstance(report, dict) else {}
    number, reference, success = (fields.get(key) for key in ("phone_number", "biz_id", "success"))
    valid = isinstance(number, str) and re.fullmatch(r"\+?\d{5,15}", number, re.ASCII)
    if not valid or not isinstance(reference, str) or not reference or not isinstance(success, bool):
        raise ValueError("A report lacks its phone_number, biz_id or success.")
    code = str(fields.get("err_code") or "")
    return Receipt(
        reference=reference,
        address=_address(str(number)),
        delivery=_delivery(success, code),
        code=code,
        at=_china_time(fields.get("report_time")),
        handover=str(fields.get("out_id") or ""),
    )


def _delivery(success: bool, code: str) -> Delivery:
    if code == "REQUEST_SUCCESS":  # sent on, but no word from the carrier
        return Delivery.PENDING
    return Delivery.DELIVERED if success else Delivery.UNDELIVERED


def _china_time(text: Any) -> datetime | None:
    if not text:
        return None
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text):
        raise ValueError("A report's report_time is not YYYY-MM-DD HH:MM:SS.")
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def _number(address: str) -> str:
    """E.164 → what the vendor wants: mainland numbers bare, others with their country code."""
    return address.removeprefix("+86") if address.startswith("+86") else address.removeprefix("+")


def _address(number: str) -> str:
    bare = number.removeprefix("+")
    return f"+86{bare}" if re.fullmatch(r"1[3-9]\d{9}", bare) else f"+{bare}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _networks(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()]
