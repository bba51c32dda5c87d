"""Tencent Cloud's SMS interface (2021-01-11), as strict as the vendor: who may come in, sending, asking."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web

from integrations.sandbox.dice import DICE
from integrations.sandbox.door import Door, World
from integrations.sandbox.faults import Fault, answer_under
from integrations.sandbox.handsets import DELIVERED, WAITING, Text
from integrations.sandbox.receipts import CHINA, Pushes, parts
from integrations.sandbox.tencent_params import Params, Refused, mainland, number, read, several, text
from integrations.sandbox.tencent_pushes import TencentReceipts, TencentReplies
from integrations.sandbox.tencent_reviews import Reviews, fill
from integrations.sandbox.tencent_signature import CONTENT_TYPE, Doorkeeper

VERSION = "2021-01-11"
REGIONS = ("ap-beijing", "ap-guangzhou", "ap-nanjing")
MOST_NUMBERS = 200
LONGEST_CONTEXT = 511  # bytes of SessionContext
OLDEST = 7 * 86400  # seconds; what is older cannot be asked for
MOST_PULLED = 100
LIMIT = "LimitExceeded.PhoneNumber"
HALF_MINUTE, HOUR = 30, 3600
A_DAY_S = 10  # messages to one number
AN_HOUR_S = 5

Action = Callable[[Params], dict[str, Any]]


class Tencent(Door):
    """Checks a call, applies faults, does the work and answers.

    Its account: SANDBOX_TENCENT_SECRET_ID, _SECRET_KEY, _SDK_APP_ID, and _LONGEST_VALUE (12), the most
    characters one value may have; the signatures are those of SANDBOX_SIGN_NAME.
    """

    target = "tencent_sms"
    work = frozenset({"SendSms"})
    words = ("短信平台（腾讯云）", "SMS, Tencent Cloud")

    def __init__(self, world: World) -> None:
        super().__init__(world)
        account, names = world.credentials.value, world.credentials.sign_names
        self._doorkeeper = Doorkeeper(
            account("TENCENT_SECRET_ID", "sandbox"), account("TENCENT_SECRET_KEY", "sandbox")
        )
        self._app_id = account("TENCENT_SDK_APP_ID", "1400006666")
        self._longest_value = int(account("TENCENT_LONGEST_VALUE", "12"))
        self._reviews = Reviews(names, lambda: self.options.review_delay)
        self._limits = Limits()
        self._receipts = TencentReceipts(world.faults)
        self._replies = TencentReplies(world.faults, min(names, default=""))
        world.replies.doors[self.target] = self._replies.expect
        self._actions: dict[str, tuple[frozenset[str], Action]] = {
            "SendSms": (SEND_SMS, self._send_sms),
            "PullSmsSendStatusByPhoneNumber": (PULL, self._pull),
            **self._reviews.actions,
        }

    # --- as a door ---

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Only for deciding on reviews: calls come to /."""
        return self._reviews.routes()

    def claims(self, request: web.Request) -> bool:
        """The vendor's own headers tell."""
        return "X-TC-Action" in request.headers

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call."""
        body = await request.read()
        action = request.headers["X-TC-Action"]
        self.world.calls[f"tencent.{action if action in self._actions else 'other'}"] += 1
        fault = self.world.faults.match(self.target, action, _numbers(body))
        return await answer_under(fault, request, lambda: self._answer(request, body), _fault_answer)

    @property
    def pushes(self) -> Sequence[Pushes[Any]]:
        """Receipts and replies."""
        return self._receipts, self._replies

    def clear(self) -> None:
        """Names are approved again and limits begin anew; templates stay."""
        self._limits.clear()
        self._reviews.clear()

    # --- one call ---

    def _answer(self, request: web.Request, body: bytes) -> web.Response:
        headers = request.headers
        try:
            self._doorkeeper.check(headers, body, time.time())
            if headers.get("Content-Type") != CONTENT_TYPE:
                raise Refused("UnsupportedProtocol", "Content-Type application/json")
            if headers.get("X-TC-Version") != VERSION:
                raise Refused("NoSuchVersion", "The API version does not exist.")
            if headers.get("X-TC-Region") not in REGIONS:
                raise Refused("UnsupportedRegion", "The region is not supported.")
            known, work = self._actions.get(headers["X-TC-Action"]) or _no_such_action()
            return _reply(work(read(body, known)))
        except Refused as refusal:
            return _refused(refusal)

    # --- sending ---

    def _send_sms(self, params: Params) -> dict[str, Any]:
        numbers = several(params, "PhoneNumberSet", str)
        if not numbers:
            raise Refused("MissingParameter.EmptyPhoneNumberSet")
        if len(numbers) > MOST_NUMBERS:
            raise Refused(f"{LIMIT}CountLimit")
        self._check_app(params)
        text(params, "TemplateId")
        context = text(params, "SessionContext", "")
        if len(context.encode()) > LONGEST_CONTEXT:
            raise Refused("InvalidParameterValue", "SessionContext")
        return {"SendStatusSet": [self._status_of(each, params, context) for each in numbers]}

    def _status_of(self, given: str, params: Params, context: str) -> dict[str, Any]:
        """What becomes of one number: the others go on."""
        status = {"SerialNo": "", "PhoneNumber": given, "Fee": 0, "SessionContext": context, "IsoCode": "CN"}
        try:
            taken = self._take(given, params, context)
        except Refused as refusal:
            return {**status, "Code": refusal.code, "Message": refusal.message}
        address = f"+86{taken.number}"
        done = {"SerialNo": taken.biz_id, "PhoneNumber": address, "Fee": parts(taken.text)}
        return {**status, **done, "Code": "Ok", "Message": "send success"}

    def _take(self, given: str, params: Params, context: str) -> Text:
        mobile = mainland(given)
        if not mobile:
            raise Refused("UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone")
        sign, template = text(params, "SignName", ""), self._reviews.usable(text(params, "TemplateId"))
        self._reviews.check_sign(sign)
        words = fill(template, sign, several(params, "TemplateParamSet", str), self._longest_value)
        now = time.time()
        if self.options.limits:
            self._limits.charge(mobile, words, now)
        serial = f"5000:{int(now * 1000):013d}{DICE.of('tencent').randrange(10**12):012d}"
        taken = Text(mobile, words, now, context, serial, str(template.id), provider=self.target)
        self.world.handsets.take(taken)
        self._receipts.expect(taken)
        return taken

    def _check_app(self, params: Params) -> None:
        if text(params, "SmsSdkAppId") != self._app_id:
            raise Refused("UnauthorizedOperation.SmsSdkAppIdVerifyFail")

    # --- asking ---

    def _pull(self, params: Params) -> dict[str, Any]:
        """What carriers have reported of one number."""
        self._check_app(params)
        now = time.time()
        begin, end = number(params, "BeginTime"), number(params, "EndTime", int(now))
        limit = number(params, "Limit")
        _check_window(begin, end, number(params, "Offset"), limit, now)
        mobile = mainland(text(params, "PhoneNumber"))
        visible = now - self.options.query_visible_after
        found = [
            one
            for one in self.world.handsets.of(mobile)
            if one.provider == self.target and one.status != WAITING and begin <= one.at <= min(end, visible)
        ]
        return {"PullSmsSendStatusSet": [self._row(one) for one in found[:limit]]}

    def _row(self, taken: Text) -> dict[str, Any]:
        return {
            "UserReceiveTime": int(taken.report_pushed_at or taken.at),
            "CountryCode": "86",
            "SubscriberNumber": taken.number,
            "PhoneNumber": f"+86{taken.number}",
            "SerialNo": taken.biz_id,
            "ReportStatus": "SUCCESS" if taken.status == DELIVERED else "FAIL",
            "Description": taken.err_code,
            "SessionContext": taken.out_id if self.options.tencent_echoes else "",
        }


SEND_SMS = frozenset(
    "PhoneNumberSet SmsSdkAppId TemplateId SignName TemplateParamSet ExtendCode SessionContext"
    " SenderId".split()
)
PULL = frozenset("BeginTime EndTime Offset Limit PhoneNumber SmsSdkAppId".split())


class Limits:
    """The vendor's limits per number: a text once in 30 s, 5 messages in an hour, 10 on a day in China."""

    def __init__(self) -> None:
        self._sent: dict[str, tuple[tuple[float, int], ...]] = {}

    def charge(self, mobile: str, words: str, now: float) -> None:
        """Count one message, or raise ``Refused`` when it is one too many."""
        today = datetime.fromtimestamp(now, CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
        begin = min(today.timestamp(), now - HOUR)
        sent = tuple(each for each in self._sent.get(mobile, ()) if each[0] >= begin)
        if any(at > now - HALF_MINUTE and same == hash(words) for at, same in sent):
            raise Refused(f"{LIMIT}ThirtySecondLimit")
        if sum(at > now - HOUR for at, _ in sent) >= AN_HOUR_S:
            raise Refused(f"{LIMIT}OneHourLimit")
        if sum(at >= today.timestamp() for at, _ in sent) >= A_DAY_S:
            raise Refused(f"{LIMIT}DailyLimit")
        self._sent[mobile] = (*sent, (now, hash(words)))

    def clear(self) -> None:
        """Forget all."""
        self._sent.clear()


def _check_window(begin: int, end: int, offset: int, limit: int, now: float) -> None:
    wrong = "InvalidParameterValue."
    if begin < now - OLDEST:
        raise Refused(f"{wrong}BeginTimeVerifyFail")
    if end < begin:
        raise Refused(f"{wrong}EndTimeVerifyFail")
    if offset != 0:
        raise Refused(f"{wrong}OffsetVerifyFail")
    if not 0 < limit <= MOST_PULLED:
        raise Refused(f"{wrong}LimitVerifyFail")


def _no_such_action() -> Any:
    raise Refused("InvalidAction", "The requested action does not exist.")


def _numbers(body: bytes) -> Sequence[str]:
    """The numbers a call is about, as far as they can be told before it is checked: as given, and bare."""
    try:
        params = json.loads(body)
        given = [str(one) for one in (params.get("PhoneNumberSet") or [params.get("PhoneNumber", "")])]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return ()
    return [*given, *(one.removeprefix("+86") for one in given)]


def _fault_answer(fault: Fault) -> web.Response:
    code = fault.code or "InternalError.OtherError"
    return _refused(Refused(code, fault.message or code), fault.status or 200)


def _refused(refusal: Refused, status: int = 200) -> web.Response:
    return _reply({"Error": {"Code": refusal.code, "Message": refusal.message}}, status)


def _reply(answer: Mapping[str, Any], status: int = 200) -> web.Response:
    digits = DICE.of("tencent").randbytes(16).hex()
    request_id = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    body = json.dumps({"Response": {**answer, "RequestId": request_id}}, ensure_ascii=False)
    return web.Response(body=body.encode(), status=status, headers={"Content-Type": CONTENT_TYPE})
