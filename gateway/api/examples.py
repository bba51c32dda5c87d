"""An example of every body that can be posted, as the document shows it; tests post them all.

The ids stand for yours. The people are the demo city's, made up like everybody there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SMS_TEXT = "0f6a9f5e-4c1b-4c43-9a43-2a7f3f1d7c11"
EMAIL_TEXT = "5b1c3a0e-2d57-4b0e-8f43-9f3f1f6d7c22"
VOICE_TEXT = "c7d0a1b2-6c1f-4c58-8a53-1b7e2f9d7c33"
NOTIFICATION = "740e5834-3a29-46b4-9a6f-16142fde533a"
CLOSURE = "2f0c3b1e-7a51-4f6e-9d43-6b1f8e0d5c44"
HOOK = "https://notices.example.gov.cn/huiyin"  # where a service is told of its events
CODE = "482913"  # the one-time code a citizen received, and one a service sends
PERSON = {"id_number": "430721198901296678", "name": "肖卫伟"}

BODIES: Mapping[str, Mapping[str, Any]] = {
    "post /v2/notifications/sms": {
        "now": {
            "phone_number": "13800138000",
            "template_id": SMS_TEXT,
            "personalisation": {"code": CODE},
            "reference": "case 7",
        },
    },
    "post /v2/ops/templates": {
        "a text message": {
            "name": "取卡通知",
            "type": "sms",
            "class": "result",
            "body": "((姓名))，您的社保卡已制好，请带身份证到((地点))领取。咨询12333",
        },
        "an e-mail": {
            "name": "Card ready",
            "type": "email",
            "class": "result",
            "language": "en",
            "subject": "Your card is ready",
            "body": "# Your card is ready\n\n((name)), please bring:\n\n((documents))",
        },
    },
    "post /v2/ops/templates/{key}/versions": {"other words": {"body": "验证码((code))，请勿告诉他人。"}},
    "post /v2/ops/templates/{key}/versions/{number}/preview": {
        "with its value": {"personalisation": {"code": CODE}}
    },
    "post /v2/ops/templates/{key}/versions/{number}/test": {
        "to yourself": {"to": "13800138000", "personalisation": {"code": CODE}}
    },
    "post /v2/template/{key}/preview": {"with its value": {"personalisation": {"code": CODE}}},
    "post /v2/notifications/email": {
        "now": {
            "email_address": "wang.fang@example.com",
            "template_id": EMAIL_TEXT,
            "personalisation": {"card_tail": "6789", "until": "12月5日", "bank": "请另行告知银行"},
            "reference": "case 7",
            "one_click_unsubscribe_url": "https://example.com/unsubscribe/3f9c",
            "sanitise_content_for": ["bank"],
        },
    },
    "post /v2/notifications/voice": {
        "said three times": {
            "phone_number": "13800138000",
            "template_id": VOICE_TEXT,
            "personalisation": {"city": "常德市", "when": "十二月三十一日"},
            "play_times": 3,
        },
    },
    "post /v2/notifications/batch": {
        "one of them cannot be taken": {
            "template_id": SMS_TEXT,
            "items": [
                {"phone_number": "13800138000", "personalisation": {"code": CODE}, "reference": "case 7"},
                {"phone_number": "12333", "personalisation": {"code": CODE}, "reference": "case 8"},
            ],
        },
    },
    "post /v2/ops/halls/close": {
        "a day": {"hall": "shi", "day": "2026-12-24", "reason": "停电检修"},
        "some hours": {"hall": "shi", "day": "2026-12-25", "from": "14:00", "to": "17:30", "reason": "停电"},
    },
    "post /v2/ops/halls/reopen": {"one": {"closure": CLOSURE}},
    "post /v2/ops/reviews/{reference}/values": {"to decide about it": {"why": "decide"}},
    "post /v2/ops/reviews/{reference}": {
        "recorded": {"decision": "approve"},
        "to be put right": {"decision": "return", "reason": "unreachable"},
        "refused": {"decision": "reject", "reason": "not_confirmed"},
    },
    "post /v2/transaction-types/{name}/options": {
        "the first": {"answers": {}},
        "the next": {"answers": {"matter": "card"}},
    },
    "post /v2/transactions": {
        "proven by a code": {"type": "card_loss", "answers": PERSON, "proof": {"method": "code"}},
        "checked by yourself": {
            "type": "card_loss",
            "answers": PERSON,
            "proof": {"method": "attested", "by": "counter 3, ID card seen"},
        },
        "for a child": {
            "type": "card_loss",
            "answers": {
                "id_number": "310151201506300449",
                "name": "王小芳",
                "helper_id_number": PERSON["id_number"],
                "helper_name": PERSON["name"],
            },
            "proof": {"method": "code"},
        },
    },
    "post /v2/transactions/{reference}/proof": {"the code": {"code": CODE}},
    "post /v2/transactions/{reference}/answers": {"one of them": {"answers": {"name": PERSON["name"]}}},
    "post /v2/broadcasts": {
        "a shipped one": {"name": "retirement_age"},
        "to a list": {
            "template": "policy/retirement_age",
            "recipients": [{"phone_number": "13800138000", "name": "王芳"}],
        },
        "to who retires next year": {
            "template": "policy/retirement_age",
            "audience": {"retires_from": "2027-01", "retires_to": "2027-12"},
        },
        "to some of the city": {
            "template": "policy/retirement_age",
            "audience": {"age_from": 30, "age_to": 62, "insured_types": ["employee"]},
            "pace": 60000,
        },
    },
    "post /v2/ops/services": {"a new one": {"name": "Pension office"}},
    "post /v2/ops/services/{key}/limits": {
        "more a minute": {"per_minute": 6000},
        "fewer texts a day": {"per_day": {"sms": 10000}},
    },
    "post /v2/ops/services/{key}/keys": {
        "the usual": {"name": "counter-3"},
        "to try things": {"name": "trying", "type": "test"},
        "for one text": {"name": "codes", "scopes": ["send"], "templates": [SMS_TEXT]},
    },
    "post /v2/ops/keys/{key}/rotate": {"both work for two days": {"overlap_hours": 48}},
    "post /v2/ops/services/{key}/senders": {
        "a signature": {"channel": "sms", "value": "养老保险处", "default": True},
        "a number people reply to": {"channel": "sms", "value": "1069012345", "inbound": True},
        "where answers go": {"channel": "email", "value": "pensions@example.cn"},
    },
    "post /v2/ops/services/{key}/guests": {
        "of the team": {"address": "13800138000", "kind": "team"},
        "a guest": {"address": "wang@example.cn"},
    },
    "post /v2/ops/services/{key}/guests/remove": {"a guest": {"address": "wang@example.cn"}},
    "post /v2/ops/pause": {"a lane": {"kind": "lane", "name": "sms.bulk"}},
    "post /v2/ops/resume": {"a lane": {"kind": "lane", "name": "sms.bulk"}},
    "post /v2/ops/cancel": {"a message": {"kind": "notification", "name": NOTIFICATION}},
    "post /v2/ops/replays": {"count first": {"cause": "failed/result/sms/bad", "dry_run": True}},
    "post /v2/ops/routes": {
        "for an hour": {
            "channel": "sms",
            "weights": {"aliyun_sms": 10},
            "seconds": 3600,
            "why": "the other one is slow",
        }
    },
    **{
        f"{call} {path}/{{kind}}{more}": named
        for path in ("/v2/webhooks", "/v2/ops/services/{service}/webhooks")
        for call, more, named in (
            ("put", "", {"with a token of yours": {"url": HOOK, "token": "a-token-of-your-own"}}),
            (
                "post",
                "/replay",
                {
                    "what failed": {},
                    "all since": {"states": ["failed", "delivered"], "since": "2026-11-28T08:00:00Z"},
                },
            ),
        )
    },
    "post /v2/ops/routes/clear": {"text messages": {"channel": "sms"}},
}


def of(method: str, path: str) -> dict[str, Any]:
    """The examples of an operation, as a media type has them."""
    named = BODIES.get(f"{method} {path}", {})
    return {"examples": {name: {"value": body} for name, body in named.items()}} if named else {}
