"""Aliyun's interface (RPC, 2017-05-25), as strict as the vendor: short messages; calls are in dyvms."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from integrations.sandbox.dice import DICE
from integrations.sandbox.dyvms import Voice
from integrations.sandbox.faults import Fault, Faults, answer_under
from integrations.sandbox.handsets import Handsets, Text
from integrations.sandbox.limits import LIMITED, Account, Limits, code_accounts, notice_accounts
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.params import Params, loaded, mobile, needed, reference
from integrations.sandbox.receipts import Receipts
from integrations.sandbox.records import Records
from integrations.sandbox.reviews import Reviews, Signatures
from integrations.sandbox.signature import Doorkeeper, Refused, pairs
from integrations.sandbox.texts import CODE, Template, Templates, fill

VERSION = "2017-05-25"
MOST_NUMBERS = 1000  # in one SendSms
BATCH = 100  # in one SendBatchSms
ENCODER = json.JSONEncoder(ensure_ascii=False)
BUSY = {LIMITED: "触发小时级流控Permits:5"}  # messages of codes switched on as faults


class Aliyun:
    """Checks a call, applies faults, does the work and answers."""

    def __init__(
        self,
        credentials: Credentials,
        doorkeeper: Doorkeeper,
        faults: Faults,
        templates: Templates,
        limits: Limits,
        handsets: Handsets,
        receipts: Receipts,
        voice: Voice,
        calls: Counter[str],
    ) -> None:
        self.options = Options()
        self._doorkeeper = doorkeeper
        self._faults = faults
        self.signatures = Signatures(credentials.sign_names)
        self.reviews = Reviews(templates, self.signatures, lambda: self.options.review_delay)
        records = Records(handsets, templates, lambda: self.options.query_visible_after)
        self._limits = limits
        self._handsets = handsets
        self._receipts = receipts
        self._voice = voice
        self._calls = calls
        self._actions: dict[str, Callable[[Params], dict[str, Any]]] = {
            "SendSms": self._send_sms,
            "SendBatchSms": self._send_batch_sms,
            **records.actions,
            **self.reviews.actions,
            **voice.actions,
        }

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one RPC call."""
        params = dict(request.query.items())
        if request.can_read_body:
            params |= pairs((await request.read()).decode("utf-8", "replace"))
        action = params.get("Action", "")
        self._calls[action if action in self._actions else "other"] += 1
        target = "aliyun_voice" if action in self._voice.actions else "aliyun_sms"
        fault = self._faults.match(target, action, _numbers(params)) if self._faults.on else None
        return await answer_under(fault, request, lambda: self._answer(request.method, params), _fault_answer)

    def _answer(self, method: str, params: Params) -> web.Response:
        try:
            self._doorkeeper.check(method, params, time.time())
            if params.get("Version") != VERSION:
                raise Refused("InvalidVersion", "Specified parameter Version is not valid.", 400)
            work = self._actions.get(params.get("Action", ""))
            if work is None:
                raise Refused("InvalidAction.NotFound", "Specified api is not found.", 404)
            return _reply({"Code": "OK", "Message": "OK", **work(params)})
        except Refused as refusal:
            return _reply({"Code": refusal.code, "Message": refusal.message}, refusal.status)

    # --- sending ---

    def _send_sms(self, params: Params) -> dict[str, Any]:
        numbers = needed(params, "PhoneNumbers").split(",")
        if len(numbers) > MOST_NUMBERS:
            raise Refused("isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制")
        sign = needed(params, "SignName")
        values = loaded(params.get("TemplateParam") or "{}", dict)
        return self._take(params, numbers, [sign] * len(numbers), [values] * len(numbers))

    def _send_batch_sms(self, params: Params) -> dict[str, Any]:
        numbers, signs = (loaded(needed(params, name), list) for name in ("PhoneNumberJson", "SignNameJson"))
        values = loaded(params.get("TemplateParamJson") or json.dumps([{}] * len(numbers)), list)
        if not numbers or not len(numbers) == len(signs) == len(values):
            raise Refused("isv.INVALID_PARAMETERS", "号码、签名、变量的数量不一致")
        if len(numbers) > BATCH:
            raise Refused("isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制")
        return self._take(params, numbers, signs, values)

    def _take(
        self, params: Params, numbers: Sequence[Any], signs: Sequence[Any], values: Sequence[Any]
    ) -> dict[str, Any]:
        """Take all or none."""
        template = self.reviews.usable(needed(params, "TemplateCode"))
        for sign in sorted(set(map(str, signs))):
            self.signatures.check(sign)
        numbers = [mobile(number) for number in numbers]
        if len(set(numbers)) < len(numbers):
            raise Refused("isv.INVALID_PARAMETERS", "手机号码重复")
        texts = [fill(template, sign, _variables(value)) for sign, value in zip(signs, values, strict=True)]
        now = time.time()
        if self.options.limits:
            sent = zip(numbers, signs, strict=True)
            self._limits.charge([_accounts(template, *each) for each in sent], now)
        biz_id = reference(now)
        out_id = params.get("OutId", "")
        taken = [
            Text(number, text, now, out_id, biz_id, template.code)
            for number, text in zip(numbers, texts, strict=True)
        ]
        for one in taken:
            self._handsets.take(one, is_code=template.kind == CODE)
        self._receipts.expect(taken)
        return {"BizId": biz_id}


def _accounts(template: Template, number: str, sign: str) -> Sequence[Account]:
    is_code = template.kind == CODE
    return code_accounts(number, sign) if is_code else notice_accounts(number, sign, template.code)


def _variables(value: Any) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Refused("isv.INVALID_JSON_PARAM", "JSON参数不合法，只接受字符串值")
    return value


def _numbers(params: Params) -> Sequence[str]:
    """The numbers a call is about, as far as they can be told before it is checked."""
    if "PhoneNumberJson" in params:
        try:
            return [str(number) for number in json.loads(params["PhoneNumberJson"])]
        except (ValueError, TypeError):
            return ()
    named = (params.get(name) for name in ("PhoneNumbers", "PhoneNumber", "CalledNumber"))
    return next(filter(None, named), "").split(",")


def _fault_answer(fault: Fault) -> web.Response:
    code = fault.code or "isp.SYSTEM_ERROR"
    usual = 500 if code.startswith("isp.") else 200 if code.startswith("isv.") else 400
    message = fault.message or BUSY.get(code, code)
    return _reply({"Code": code, "Message": message}, fault.status or usual)


def _reply(answer: Mapping[str, Any], status: int = 200) -> web.Response:
    digits = DICE.of("aliyun").randbytes(16).hex().upper()
    request_id = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    body = ENCODER.encode({**answer, "RequestId": request_id})
    return web.Response(text=body, status=status, content_type="application/json")
