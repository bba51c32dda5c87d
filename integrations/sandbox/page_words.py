"""The page's words, Chinese with English beside them."""

from __future__ import annotations

from integrations.sandbox.handsets import DELIVERED, FAILED, WAITING
from integrations.sandbox.phones import ANSWERED, BUSY, COMPLETED, EARLY, NO_ANSWER, OFF, RINGING

# By status: the style, Chinese, English.
TEXT_WORDS = {
    DELIVERED: ("delivered", "✓ 已送达", "delivered"),
    WAITING: ("waiting", "… 发送中", "on its way"),
    FAILED: ("failed", "✕ 未送达", "not delivered"),
}
MAIL_WORDS = {
    DELIVERED: ("delivered", "✓ 已送达", "delivered"),
    WAITING: ("waiting", "… 投递中", "on its way"),
    FAILED: ("failed", "✕ 已退回", "bounced"),
}
CALL_WORDS = {
    RINGING: ("ringing", "来电", "Incoming call"),
    ANSWERED: ("talking", "通话中", "On the line"),
    COMPLETED: ("delivered", "✓ 已接听，听完", "answered, heard to the end"),
    EARLY: ("delivered", "✓ 已接听，提前挂断", "answered, hung up early"),
    BUSY: ("failed", "✕ 占线或拒接", "busy or rejected"),
    NO_ANSWER: ("failed", "✕ 未接来电", "missed call"),
    OFF: ("failed", "✕ 已关机", "switched off"),
}
ANSWER_WORDS = {
    "yes": "接听 Answers",
    "early": "接后挂断 Hangs up",
    "busy": "占线 Busy",
    "absent": "不接 No answer",
    "off": "关机 Off",
    "by_hand": "手动接听 By hand",
    "machine": "答录机 Machine",
}
MAILBOX_WORDS = {
    "takes": "正常收信 Takes mail",
    "full": "邮箱已满 Is full",
    "gone": "地址不存在 Is gone",
    "complains": "投诉垃圾邮件 Complains",
}
SERVICE_WORDS = {
    "200": "收下 200 Takes it",
    "404": "拒收 404 Refuses",
    "410": "不再要 410 Wants no more",
    "503": "故障 503 Is down",
}
HEARD_WORDS = {
    True: ("delivered", "✓ 已收下", "taken"),
    False: ("failed", "✕ 未收下", "not taken"),
}
REVIEW_WORDS = {
    "pending": ("waiting", "… 审核中", "under review"),
    "approved": ("delivered", "✓ 已通过", "approved"),
    "refused": ("failed", "✕ 未通过", "refused"),
    "withdrawn": ("failed", "✕ 已停用", "withdrawn"),
}
CARD_WORDS = {
    "normal": ("正常", "in use"),
    "temp_lost": ("临时挂失", "reported lost"),
    "formal_lost": ("正式挂失", "formally lost"),
    "replacing": ("补换中", "being replaced"),
    "replaced": ("已补换", "replaced"),
    "cancelled": ("已注销", "cancelled"),
}
ACCOUNT_WORDS = {
    "normal": ("正常", "in use"),
    "temp_lost": ("挂失", "reported lost"),
    "formal_lost": ("正式挂失", "formally lost"),
    "frozen": ("已冻结", "frozen"),
    "closed": ("已销户", "closed"),
}
FILING_WORDS = {
    "submitted": ("waiting", "… 已提交", "submitted"),
    "accepted": ("waiting", "… 已受理", "accepted"),
    "reviewing": ("waiting", "… 审核中", "under review"),
    "active": ("delivered", "✓ 已生效", "active"),
    "returned": ("failed", "↩ 已退回", "returned"),
    "rejected": ("failed", "✕ 未通过", "rejected"),
    "changed": ("failed", "已变更", "changed"),
    "cancelled": ("failed", "已取消", "cancelled"),
    "expired": ("failed", "已到期", "expired"),
}
KIND_WORDS = {
    "pensioner_elsewhere": ("退休人员异地居住", "Pensioner living elsewhere"),
    "injury_elsewhere": ("工伤职工异地居住", "Work-injury patient living elsewhere"),
    "flexible": ("灵活就业", "Flexible employment"),
    "employment": ("就业登记", "Employment"),
    "unemployment": ("失业登记", "Unemployment"),
}
PENSION_WORDS = {
    "not_due": ("不用办", "not due"),
    "due_soon": ("快到期", "due soon"),
    "done_silent": ("系统自动认证", "matched silently"),
    "done_face": ("刷脸认证", "by a scan"),
    "done_helper": ("亲属帮认", "on a relative's phone"),
    "done_counter": ("窗口认证", "at a counter"),
    "done_overseas": ("境外认证", "from abroad"),
    "submitted_reviewing": ("材料审核中", "under review"),
    "failed": ("没有通过", "failed"),
    "overdue_grace": ("过期未停", "overdue, still paid"),
    "paused": ("已暂停", "paused"),
    "resumed_backpay_pending": ("已恢复，补发中", "resumed, arrears on the way"),
    "backpaid": ("已补发", "paid back"),
    "ended": ("已终止", "ended"),
}
FAILURE_WORDS = {
    "photo_mismatch": "照片不一致 Photos differ",
    "bad_light": "光线不好 Bad light",
    "covered_face": "脸被遮挡 Face covered",
    "changed_face": "面容变化 Face changed",
    "other_account": "别人的账号 Another's account",
    "unreadable_id": "身份证看不清 ID unreadable",
    "data_mismatch": "登记不一致 Records differ",
    "app_fault": "软件故障 App fault",
}
PAYMENT_WORDS = {
    "paid": "已发放 Paid",
    "pending": "正在发放 On its way",
    "failed": "没有发成 Failed",
    "held": "先停着 Held back",
}
REASON_WORDS = {
    "account_closed": "账户已销户 Account closed",
    "account_blocked": "账户挂失或冻结 Account blocked",
    "data_mismatch": "信息与银行不符 Data differ at the bank",
}
TRANSFER_WORDS = {
    "applied": ("waiting", "… 已申请", "applied for"),
    "accepted": ("waiting", "… 已受理", "accepted"),
    "letter_sent": ("waiting", "… 联系函已发", "letter sent"),
    "old_place_processing": ("waiting", "… 原参保地办理", "at the old place"),
    "info_form_received": ("waiting", "… 信息表已到", "records received"),
    "funds_received": ("waiting", "… 资金已到", "money received"),
    "completed": ("delivered", "✓ 已办结", "completed"),
    "returned": ("failed", "↩ 已退回", "returned"),
    "refused": ("failed", "✕ 未通过", "refused"),
}
TRANSFER_CAUSES = {
    "01": "审核未通过 Review failed",
    "11": "新参保地没有缴费 Not insured here",
    "12": "临时缴费账户 Temporary account",
    "13": "已领取待遇 Draws a pension",
    "14": "重复缴费 Months paid twice",
    "15": "两地登记不一致 Records differ",
    "16": "原参保地没有缴费 Nothing there",
    "21": "材料不齐 Papers missing",
    "22": "原参保地有误 Wrong old place",
}
CAUSE_WORDS = {
    "01": "地址不清楚 Address unclear",
    "02": "联系不上本人 Nobody answers",
    "03": "起止日期有误 Dates wrong",
    "04": "目的地有误 Destination wrong",
    "05": "事由不清楚 Reason unclear",
    "21": "不符合条件 Not entitled",
    "22": "已在外地备案 Filed elsewhere",
}
ORDER_WORDS = {
    "registered": ("waiting", "… 已登记", "registered"),
    "dispatched": ("waiting", "… 已转办", "dispatched"),
    "signed": ("waiting", "… 已签收", "signed"),
    "sent_back": ("waiting", "↩ 退回重派", "sent back"),
    "processing": ("waiting", "… 办理中", "being worked on"),
    "extension_requested": ("waiting", "… 申请延期", "more time asked for"),
    "replied": ("delivered", "✓ 已答复", "replied"),
    "return_visit": ("delivered", "✓ 已回访", "return visit"),
    "evaluated": ("delivered", "✓ 已评价", "evaluated"),
    "archived": ("delivered", "✓ 已归档", "archived"),
    "withdrawn": ("failed", "已撤回", "withdrawn"),
}
ORDER_KIND_WORDS = {
    "consultation": ("咨询", "Question"),
    "conduct": ("行风投诉", "Complaint on conduct"),
    "suggestion": ("建议", "Suggestion"),
    "fund_supervision": ("基金监督举报", "Report on the fund"),
    "labour_inspection": ("劳动监察举报", "Labour inspection"),
}
EXTENSION_WORDS = {
    "01": "情况复杂 Complex",
    "02": "需要调查 Inquiries",
    "03": "要和别的部门一起办 Other offices",
}
TARGETS = {
    "aliyun_sms": ("短信平台（阿里云）", "SMS, Aliyun"),
    "aliyun_voice": ("语音平台（阿里云）", "Voice, Aliyun"),
    "twilio_sms": ("短信平台（Twilio）", "SMS, Twilio"),
    "twilio_voice": ("语音平台（Twilio）", "Voice, Twilio"),
    "smtp": ("邮件服务器", "Mail server"),
    "card_core": ("社保卡系统", "Card system"),
    "card_bank": ("银行（社保卡账户）", "Bank half of the cards"),
    "pension_registry": ("养老待遇系统", "Pension registry"),
    "filing_register": ("备案登记系统", "Filing register"),
    "transfer_platform": ("关系转移平台", "Transfer platform"),
    "work_order_platform": ("工单平台", "Work-order platform"),
    "receipts": ("回执", "Receipts"),
}
# By mode: what the button says, and what it does in a sentence.
MODES = {
    "slow": ("变慢", "Slow", "先等一会儿，再照常办理。", "Waits first, then works as usual."),
    "error": ("报错", "Error", "回答错误码，什么也不办。", "Answers an error code and does nothing."),
    "silent": ("无应答", "Silent", "事情办了，但不回话。", "The work is done, the answer never comes."),
    "refuse": ("断开", "Refuse", "连接立即关闭。", "The connection is closed at once."),
    "down": ("停机", "Down", "回答503，什么也不办。", "Answers 503 and does nothing."),
}
RECEIPT_MODES = {
    "late": ("迟到", "Late", "过一分钟才报。", "Reported a minute later."),
    "early": ("抢先", "Early", "比发送的答复还早。", "Before the send is answered."),
    "twice": ("重复", "Twice", "同一回执报两次。", "The same receipt comes twice."),
    "reversed": ("颠倒", "Reversed", "先报最终结果，再报之前的状态。", "The last word first."),
    "error": ("未送达", "Failed", "报告未送达。", "Reports that nothing arrived."),
    "silent": ("不报", "Silent", "回执永远不来。", "The receipt never comes."),
    "down": ("暂停", "Held", "恢复之前都不报。", "None leaves while this lasts."),
}


def modes_of(target: str) -> dict[str, tuple[str, str, str, str]]:
    """What can go wrong with it."""
    return RECEIPT_MODES if target == "receipts" else MODES


def mode_words(target: str, mode: str) -> tuple[str, str]:
    """A mode's name; receipts have words of their own."""
    word, english, _, _ = {**MODES, **modes_of(target)}[mode]
    return word, english
