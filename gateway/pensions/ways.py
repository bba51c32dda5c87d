"""The ways to authenticate, and which of them helps with each cause of a failed scan. Pure data.

A failed scan is never her fault: each cause is said in plain words, and the way
that helps with it comes before the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.pensions.situation import Situation
from gateway.transactions.model import Words


def light(_: Situation) -> Words:
    return Words(
        "白天坐到窗前，脸朝亮处，不要背着光。手机拿到和眼睛一样高，擦一擦镜头，再慢慢试一次。",
        "By day, sit at a window facing the light. Hold the phone at eye level, wipe its camera, "
        "and slowly try once more.",
    )


def bare(_: Situation) -> Words:
    return Words(
        "摘下帽子、口罩和眼镜，头发别到耳朵后面，脸对着亮处，再慢慢试一次。",
        "Take off hat, mask and glasses, put your hair behind your ears, face the light, and try once more.",
    )


def clear_card(_: Situation) -> Words:
    return Words(
        "身份证平放在深色桌面上，不反光、四个角都拍进去，再试一次。过期的身份证要先到派出所换新的。",
        "Lay the ID card flat on a dark table, without glare and with all four corners in the picture, "
        "and try again. If it has expired, renew it at the police station first.",
    )


def later(_: Situation) -> Words:
    return Words(
        "过一两个小时，关掉软件重新打开，再试一次。不行就不用再试了，换个办法。",
        "Wait an hour or two, close the app, open it and try once more. "
        "If that fails, stop trying and choose another way.",
    )


def scan(s: Situation) -> Words:
    app = s.rules.pension_auth
    return Words(
        f"自己会用手机的，打开{app.app}，按提示刷脸，几分钟就好。",
        f"If you use a smartphone: open {app.app_en} and follow the face scan; it takes minutes.",
    )


def relative(s: Situation) -> Words:
    app = s.rules.pension_auth
    return Words(
        f"请儿女或信得过的亲属，用他们的手机打开{app.app}里的“帮你认”，填您的姓名和身份证号码，您看镜头就行。",
        f"Ask a relative you trust to use “authenticate for another” in {app.app_en} on their phone: "
        "they type your name and ID number, you look into the camera.",
    )


def counter(s: Situation) -> Words:
    if not s.rules.halls:
        return Words(
            "带身份证到就近的社保窗口，工作人员当面帮您办，不用自己用手机。",
            "Bring your ID card to a social-security counter; staff do it with you, no phone needed.",
        )
    hall = s.rules.halls[0]
    return Words(
        f"带身份证到就近的社保窗口，工作人员当面帮您办，不用自己用手机。比如{hall.name}：{hall.address}，{hall.hours}。",
        "Bring your ID card to a social-security counter; staff do it with you, no phone needed. "
        f"For one {hall.name_en or hall.name}: {hall.address_en or hall.address}, "
        f"{(hall.hours_en or hall.hours).lower()}.",
    )


def home(s: Situation) -> Words:
    rule, line = s.rules.pension_auth, s.rules.hotline
    return Words(
        f"走不动、出不了门的，申请上门认证就行：{rule.visit_hours}，工作人员先打电话，再到家里来，不收钱。"
        f"也可以拨{line}按0。",
        f"If you cannot go out, ask for a home visit ({rule.visit_hours_en}): staff call first, then come, "
        f"free of charge. Or call {line} and press 0.",
    )


def call(s: Situation) -> Words:
    line = s.rules.hotline
    return Words(
        f"弄不清楚，不用着急：让工作人员给您回电，或拨{line}按0，一步一步教您。",
        f"Not sure? Do not worry: ask staff to call you back, or call {line} and press 0; "
        "they take you through it.",
    )


# --- the causes -----------------------------------------------------------------------------


Way = Callable[[Situation], Words]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a scan failed: in a message (at most 35 characters), in plain words, and what helps first."""

    brief: Words
    plain: Words
    first: tuple[Way, ...]


CAUSES: Mapping[str, Cause] = {
    "photo_mismatch": Cause(
        Words("照片比对不一致", "the photos do not match"),
        Words(
            "系统里您的照片可能是多年前的，机器没认出来，不是您的错。",
            "The photo on file may be years old and the machine did not recognise you; it is not your fault.",
        ),
        (light, relative),
    ),
    "bad_light": Cause(
        Words("光线太暗或太亮", "the light was too dim or bright"),
        Words(
            "刷脸时光线不好，机器看不清，不是您的错。",
            "The light was bad and the machine could not see well; it is not your fault.",
        ),
        (light, relative),
    ),
    "covered_face": Cause(
        Words("面部有遮挡", "the face was partly covered"),
        Words(
            "刷脸时帽子、口罩、眼镜或头发挡住了脸。",
            "A hat, mask, glasses or hair covered part of your face.",
        ),
        (bare, relative),
    ),
    "changed_face": Cause(
        Words("面容变化较大", "the face has changed"),
        Words(
            "人的样子会变，机器认不出来了，不是您的错。多试也难通过，请换个办法。",
            "Faces change and the machine no longer knows yours; it is not your fault. "
            "Trying again hardly helps; choose another way.",
        ),
        (),
    ),
    "other_account": Cause(
        Words("手机账号是别人实名的", "the account is another person's"),
        Words(
            "这部手机上的账号登记的是别人的名字，所以刷您的脸通不过。",
            "The account on that phone is in another person's name, so your face cannot pass.",
        ),
        (relative,),
    ),
    "unreadable_id": Cause(
        Words("身份证照片看不清", "the ID card could not be read"),
        Words(
            "身份证没拍清楚，或者已经过期。",
            "The ID card was not photographed clearly, or it has expired.",
        ),
        (clear_card,),
    ),
    "data_mismatch": Cause(
        Words("登记信息不一致", "the records do not agree"),
        Words(
            "社保登记的姓名或身份证号码和公安的不一样，要先改过来。再刷脸也通不过，不是您的错。",
            "Your name or ID number here differs from the police register and must be put right first. "
            "More scans cannot pass; it is not your fault.",
        ),
        (),
    ),
    "app_fault": Cause(
        Words("手机软件故障", "the app had a fault"),
        Words("是手机软件出了故障，不是您的错。", "The app had a fault; it is not your fault."),
        (later, relative),
    ),
}
UNNAMED = Cause(
    Words("系统没有说明", "not stated"),
    Words(
        "系统没有说是什么原因，可能只是没拍清楚。",
        "No cause was given; perhaps the picture was just not clear.",
    ),
    (light, relative),
)


def cause(s: Situation) -> Cause:
    return CAUSES.get(s.failure, UNNAMED)
