"""Tencent Cloud (腾讯云) short messages: API sms of 2021-01-11, spoken by the vendor's own SDK.

Sources: the vendor's API reference (382/55981, 55977), its lists of error codes (382/59177, 52075), its
pages on status and reply notifications (382/59178, 43548), on what failed messages are marked with
(382/35462) and on templates (382/39023), and the source of tencentcloud-sdk-python-sms 3.1.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.messages import Limits, Message
from gateway.providers import (
    Accepted,
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
    ReviewState,
    Throttled,
    Unknown,
    Unreachable,
)
from integrations.networks import Networks
from integrations.pushed_json import (
    CHINA,
    FieldError,
    beside,
    cause_of,
    decoded,
    moment,
    optional_word,
    read_each,
    word,
    words,
)
from integrations.tencent_api import COMMON_OUTCOMES, Api, Failure, Refusal, clean_code
from integrations.tencent_reviews import NOT_THERE, numbered, read

SETTINGS: dict[str, str] = {
    "TENCENT_SECRET_ID": "the secret id of the account",
    "TENCENT_SECRET_KEY": "its key",
    "TENCENT_SMS_SDK_APP_ID": "the SdkAppId of the SMS application, e.g. 1400006666",
    "TENCENT_SMS_SIGN_NAME": "the approved signature, e.g. 常德人社",
    "TENCENT_CALLBACK_NETWORKS": "comma-separated addresses or networks reports come from",
}

THIRTY_SECONDS = "LimitExceeded.PhoneNumberThirtySecondLimit"
ONE_HOUR = "LimitExceeded.PhoneNumberOneHourLimit"
OF_A_DAY = ("LimitExceeded.PhoneNumberDailyLimit", "LimitExceeded.PhoneNumberSameContentDailyLimit")

OUTCOMES: dict[str, Outcome] = {
    outcome.code: outcome
    for outcome in (
        *map(Throttled, (THIRTY_SECONDS, ONE_HOUR, *OF_A_DAY)),  # per number
        *COMMON_OUTCOMES,
        Throttled("LimitExceeded.DeliveryFrequencyLimit"),
        Throttled("LimitExceeded.GlobalSmsSendingRateLimit"),
        Unknown("InternalError.OtherError"),  # it failed half-way: the message may have gone out
        Unknown("InternalError.ParseBackendResponseFail"),
        Unknown("InternalError.SendAndRecvFail"),
        Unknown("InternalError.Timeout"),
        Unknown("InternalError.UnknownError"),
        Rejected(
            "FailedOperation.PhoneNumberInBlacklist", Cause.OPTED_OUT
        ),  # replied T, or the carrier's list
        Rejected("FailedOperation.PhoneNumberParseFail", Cause.RECIPIENT),
        Rejected("InvalidParameterValue.IncorrectPhoneNumber", Cause.RECIPIENT),
        Rejected("FailedOperation.ContainSensitiveWord", Cause.CONTENT),
        Rejected("FailedOperation.MarketingSendTimeConstraint", Cause.CONTENT),
        Rejected("FailedOperation.SignatureIncorrectOrUnapproved", Cause.CONTENT),
        Rejected("FailedOperation.TemplateIdNotExist", Cause.CONTENT),
        Rejected("FailedOperation.TemplateIncorrectOrUnapproved", Cause.CONTENT),
        Rejected("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", Cause.CONTENT),
        Rejected("FailedOperation.TemplateUnapprovedOrNotExist", Cause.CONTENT),
        Rejected("InvalidParameter.DirtyWordFound", Cause.CONTENT),
        Rejected("InvalidParameterValue.ContentLengthLimit", Cause.CONTENT),
        Rejected("InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", Cause.CONTENT),
        Rejected("InvalidParameterValue.TemplateParameterFormatError", Cause.CONTENT),
        Rejected("InvalidParameterValue.TemplateParameterLengthLimit", Cause.CONTENT),
        Rejected("LimitExceeded.AppCountryOrRegionInBlacklist", Cause.CONTENT),
        Rejected("UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone", Cause.CONTENT),
        Rejected("UnsupportedOperation.ContainDomesticPhoneNumber", Cause.CONTENT),
        Rejected("UnsupportedOperation.GlobalTemplateToChineseMainlandPhone", Cause.CONTENT),
        Rejected("UnsupportedOperation.UnsupportedRegion", Cause.CONTENT),
        Rejected("FailedOperation.InsufficientBalanceInSmsPackage", Cause.ACCOUNT),
        Rejected("InvalidParameter.AppidAndBizId", Cause.ACCOUNT),
        Rejected("InvalidParameterValue.SdkAppIdNotExist", Cause.ACCOUNT),
        Rejected(
            "LimitExceeded.AppCountryOrRegionDailyLimit", Cause.ACCOUNT
        ),  # what we allow ourselves there
        Rejected("LimitExceeded.AppDailyLimit", Cause.ACCOUNT),
        Rejected("LimitExceeded.AppGlobalDailyLimit", Cause.ACCOUNT),
        Rejected("LimitExceeded.AppMainlandChinaDailyLimit", Cause.ACCOUNT),
        Rejected("LimitExceeded.DailyLimit", Cause.ACCOUNT),
        Rejected("UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny", Cause.ACCOUNT),
        Rejected("UnauthorizedOperation.RequestIpNotInWhitelist", Cause.ACCOUNT),
        Rejected("UnauthorizedOperation.RequestPermissionDeny", Cause.ACCOUNT),
        Rejected("UnauthorizedOperation.SdkAppIdIsDisabled", Cause.ACCOUNT),
        Rejected("UnauthorizedOperation.ServiceSuspendDueToArrears", Cause.ACCOUNT),
        Rejected("UnauthorizedOperation.SmsSdkAppIdVerifyFail", Cause.ACCOUNT),
        Rejected("FailedOperation.FailResolvePacket", Cause.OURS),
        Rejected("FailedOperation.JsonParseFail", Cause.OURS),
        Rejected("FailedOperation.OtherError", Cause.OURS),  # most often a parameter, says the vendor
        Rejected("FailedOperation.ParametersOtherError", Cause.OURS),
        Rejected("InternalError.JsonParseFail", Cause.OURS),
        Rejected("InternalError.RequestTimeException", Cause.OURS),
        Rejected("InternalError.RestApiInterfaceNotExist", Cause.OURS),
        Rejected("InternalError.SigFieldMissing", Cause.OURS),
        Rejected("InternalError.SigVerificationFail", Cause.OURS),
        Rejected("InvalidParameter.InvalidParameters", Cause.OURS),
        Rejected("LimitExceeded.PhoneNumberCountLimit", Cause.OURS),
        Rejected("MissingParameter.EmptyPhoneNumberSet", Cause.OURS),
        Rejected("UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber", Cause.OURS),
    )
}

# Why a message did not arrive: what the vendor itself explains. Carriers have hundreds more of their own.
CAUSES: dict[str, Cause] = {
    "UNDELIV": Cause.AWAY,  # off, out of reach, suspended or no such number: it does not say
    "EXPIRED": Cause.AWAY,
    "DELETED": Cause.AWAY,  # trouble with the handset
    "002": Cause.AWAY,
    "COMFAIL": Cause.AWAY,  # between vendor and carrier
    "WTNFAIL": Cause.AWAY,
    "SUBFAIL": Cause.RECIPIENT,
    "REJECTD": Cause.CONTENT,  # words, or a text or sender that was not reported to the carrier
    "-106": Cause.CONTENT,
}

# A call's codes come in receipts, too, where the vendor finds the fault only afterwards.
ALL_CAUSES = {one.code: one.cause for one in OUTCOMES.values() if isinstance(one, Rejected)} | CAUSES

DELIVERIES = {"SUCCESS": Delivery.DELIVERED, "FAIL": Delivery.UNDELIVERED}
TEMPLATE_TYPES = {"code": 3, "notice": 2}
DOMESTIC = 0  # International: templates and signatures for mainland numbers
PAGE_SIZE = 100  # the most a list gives
MOST_SIGNATURES = 1000
SLACK = timedelta(minutes=1)  # between the vendor's clock and ours

Clock = Callable[[], datetime]


class TencentSms:
    """``Sender``, ``Inquirer``, ``Reporter`` and ``TemplateRegistrar`` in one; safe in up to 16 threads.

    One call has one set of values for all its numbers, so it takes one message. How long a value may be
    the vendor sets for each account (6 characters for new ones): it is not declared here but refused
    there, for another provider to take.
    """

    name: str = "tencent_sms"
    channel: str = "sms"
    batch: int = 1
    needs_template: bool = True
    limits: Limits = Limits(text=500, signed=True, links_in_values=False, countries=frozenset({"86"}))
    reports: frozenset[str] = frozenset({"sms-report", "sms-reply"})

    def __init__(self, settings: Mapping[str, str], clock: Clock) -> None:
        self._api = Api(settings)
        self.sign_name = settings["TENCENT_SMS_SIGN_NAME"]
        self._networks = Networks(settings["TENCENT_CALLBACK_NETWORKS"])
        self._key = settings["TENCENT_SECRET_KEY"].encode()
        self._clock = clock

    # --- Sender ---

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Make one call."""
        return [self._send(handover, message) for message in messages]

    def _send(self, handover: str, message: Message) -> Outcome:
        if not message.template:
            return Rejected("no_template", Cause.OURS)
        request = {
            "PhoneNumberSet": [message.address],
            "SmsSdkAppId": self._api.app_id,
            "TemplateId": message.template,
            "SignName": message.signature or self.sign_name,
            "TemplateParamSet": list(message.params.values()),
            "SessionContext": handover,
        }
        return _outcome(self._api.ask("SendSms", request), self._clock())

    # --- Inquirer ---

    def find(self, inquiry: Inquiry) -> Finding:
        """Look for our hand-over id among what the carriers reported of that number.

        Only what a carrier has reported stands there, so silence proves nothing. The vendor gives our id
        back only to accounts it was asked to do so for; the time of arrival alone could be another's.
        """
        request = {
            "SmsSdkAppId": self._api.app_id,
            "PhoneNumber": inquiry.address,
            "BeginTime": int((inquiry.at - SLACK).timestamp()),
            "EndTime": int((self._clock() + SLACK).timestamp()),
            "Offset": 0,
            "Limit": PAGE_SIZE,
        }
        rows = _rows(self._api.ask("PullSmsSendStatusByPhoneNumber", request), "PullSmsSendStatusSet")
        if not isinstance(rows, list):
            return CannotTell(rows.code)
        for row in rows:
            if row.get("SessionContext") == inquiry.handover:
                return Found(str(row.get("SerialNo") or ""))
        unnamed = any(not row.get("SessionContext") for row in rows)
        return CannotTell("no_session_context" if unnamed else "not_reported_yet")

    # --- Reporter ---

    def verify(self, callback: Callback) -> bool:
        """Whether it comes from the vendor's networks: pushes carry no signature."""
        return callback.remote in self._networks

    def parse(self, callback: Callback) -> Sequence[Report]:
        """Read receipts or, by its kind, what one person wrote."""
        if callback.kind == "sms-reply":
            return [self._inbound(decoded(callback.body))]
        return read_each(callback.body, lambda report: [_receipt(report)])

    def acknowledgement(self, _kind: str) -> tuple[str, str]:
        """Anything but this is pushed again, twice."""
        return '{"result":0,"errmsg":"OK"}', "application/json"

    def _inbound(self, report: Any) -> Inbound:
        """The vendor gives no id: it is made of the fields, with our key so that it betrays no number."""
        if not isinstance(report, dict):
            raise ValueError("A reply is a JSON object.")
        address, text, time = _address(report), words(report, "text"), str(report.get("time") or "")
        to, sign = beside(report, "extend"), beside(report, "sign")
        fields = json.dumps([address, time, text, to, sign]).encode()
        written = re.fullmatch(r"[12]\d{9}", time, re.ASCII)  # a UNIX time
        return Inbound(
            id=hmac.new(self._key, fields, hashlib.sha256).hexdigest()[:32],
            address=address,
            to=to or sign,
            text=text,
            at=datetime.fromtimestamp(int(time), UTC) if written else None,
        )

    # --- TemplateRegistrar ---

    def register(self, name: str, body: str, kind: str) -> str:
        """Hand in a text; the review takes the vendor some hours."""
        request = {
            "TemplateName": name,
            "TemplateContent": numbered(body),
            "SmsType": TEMPLATE_TYPES[kind],
            "International": DOMESTIC,
            "Remark": name,
        }
        answer = self._api.ask("AddSmsTemplate", request)
        if isinstance(answer, dict):
            status = answer.get("AddTemplateStatus")
            if isinstance(status, dict) and status.get("TemplateId"):
                return str(status["TemplateId"])
            raise RegistrationUnanswered("no_template_id")
        if isinstance(answer, Refusal) and isinstance(_judged(answer.code), Rejected):
            raise RegistrationRefused(
                f"{answer.code} {answer.message}".strip()
            )  # about a text: nothing personal
        raise RegistrationUnanswered(answer.code)

    def review(self, code: str, body: str = "") -> Review:
        """Ask for the judgement; while the vendor cannot be asked it counts as pending."""
        if not (code.isascii() and code.isdecimal()):
            return Review(ReviewState.REFUSED, NOT_THERE)
        request = {"International": DOMESTIC, "TemplateIdSet": [int(code)]}
        rows = _rows(self._api.ask("DescribeSmsTemplateList", request), "DescribeTemplateStatusSet")
        if not isinstance(rows, list):
            return Review(ReviewState.PENDING, rows.code)
        return read([row for row in rows if str(row.get("TemplateId")) == code], numbered(body))

    def review_signature(self) -> Review:
        """The same of the name in the settings, which is looked for in the list of all."""
        found: list[dict[str, Any]] = []
        for offset in range(0, MOST_SIGNATURES, PAGE_SIZE):
            request = {"International": DOMESTIC, "Limit": PAGE_SIZE, "Offset": offset}
            rows = _rows(self._api.ask("DescribeSmsSignList", request), "DescribeSignListStatusSet")
            if not isinstance(rows, list):
                return Review(ReviewState.PENDING, rows.code)
            found += [row for row in rows if row.get("SignName") == self.sign_name]
            if len(rows) < PAGE_SIZE:
                break
        return read(found)


def build(settings: Mapping[str, str], clock: Clock = lambda: datetime.now(UTC)) -> TencentSms:
    """Optional settings: TENCENT_SMS_ENDPOINT (sms.tencentcloudapi.com), TENCENT_REGION (ap-guangzhou),
    TENCENT_TIMEOUT_SECONDS (3). Raises ``ValueError`` for a value that is none."""
    return TencentSms(settings, clock)


# --- reading answers -------------------------------------------------------------------


def _outcome(answer: dict[str, Any] | Failure, now: datetime) -> Outcome:
    """The vendor says no to a call as a whole, or in it to its one number, by the same codes."""
    if isinstance(answer, Refusal):
        return _timed(_judged(answer.code), now)
    rows = _rows(answer, "SendStatusSet")
    if isinstance(rows, Unreachable | Unknown):
        return rows
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0].get("Code"), str):
        return Unknown("unreadable_answer")
    [status] = rows
    if status["Code"] == "Ok":
        return Accepted(str(status["SerialNo"])) if status.get("SerialNo") else Unknown("no_reference")
    return _timed(_judged(clean_code(status["Code"])), now)


def _judged(code: str) -> Outcome:
    return OUTCOMES.get(code, Rejected(code))


def _timed(outcome: Outcome, now: datetime) -> Outcome:
    """When the window of a limit per number is surely over: the short ones slide, a day is one in China."""
    if not isinstance(outcome, Throttled):
        return outcome
    midnight = now.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    windows = {
        THIRTY_SECONDS: now + timedelta(seconds=30),
        ONE_HOUR: now + timedelta(hours=1),
        **dict.fromkeys(OF_A_DAY, midnight),
    }
    return replace(outcome, until=windows.get(outcome.code))


def _rows(answer: dict[str, Any] | Failure, key: str) -> list[dict[str, Any]] | Failure:
    if not isinstance(answer, dict):
        return answer
    rows = answer.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return Unknown("unreadable_answer")
    return rows


def _receipt(report: Mapping[str, Any]) -> Receipt:
    delivery, code = DELIVERIES.get(word(report, "report_status")), optional_word(report, "errmsg")
    if delivery is None:
        raise FieldError("report_status", "neither SUCCESS nor FAIL")
    return Receipt(
        reference=word(report, "sid"),
        address=_address(report),
        delivery=delivery,
        code=code,
        at=moment(report, "user_receive_time"),
        handover=optional_word(report, "ext"),
        cause=cause_of(delivery, code, ALL_CAUSES),
    )


def _address(report: Mapping[str, Any]) -> str:
    country, number = word(report, "nationcode"), word(report, "mobile")
    if not re.fullmatch(r"\d{1,4}", country, re.ASCII) or not re.fullmatch(r"\d{5,14}", number, re.ASCII):
        raise FieldError("mobile", "no number")
    return f"+{country}{number}"
