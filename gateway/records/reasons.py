"""The words for items, reasons, causes and stages of a change. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.information_rules import ADDRESS, EMAIL, KEY, MOBILE, PASSWORD, POSTCODE
from gateway.transactions.model import Stage, Words

APPROVED, COUNTER, REVIEW, RETURNED = "approved", "counter", "pending_review", "returned"  # stages
CHANGED, MOVED, REVIEWING = "changed", "moved", "reviewing"  # events beside those of the states

SOMETHING = Words("个人信息", "data")
ITEMS: Mapping[str, Words] = {
    MOBILE: Words("手机号码", "mobile number"),
    ADDRESS: Words("联系地址", "postal address"),
    POSTCODE: Words("邮政编码", "postcode"),
    EMAIL: Words("电子邮箱", "e-mail address"),
    PASSWORD: Words("查询密码", "query password"),
    KEY: Words("关键信息", "key data"),
}
NOTES: Mapping[str, Words] = {
    PASSWORD: Words("没有设过的也在这里设", "also to set your first one"),
    KEY: Words("姓名、身份证号、生日、性别", "name, ID number, birth date, sex"),
}
SAME_DISTRICT = Words("区县没有变，或不在本市", "The same district, or outside the city")
RETURNS: Mapping[str, Words] = {
    "unclear": Words("写得不完整，或看不清", "it is not complete or not clear"),
    "mismatch": Words("和我们核实到的不一致", "it is not what we found"),
    "unreachable": Words("用它联系不上您", "it did not reach you"),
}
REFUSALS: Mapping[str, Words] = {
    "not_confirmed": Words("没能核实是您本人的要求", "we could not confirm it was you"),
    "misuse": Words("这样登记可能被人冒用", "others could use it in your name"),
}
REASONS: Mapping[str, Words] = {
    **RETURNS,
    **REFUSALS,
    "in_review": Words("同一项变更正在核对", "another one is being looked at"),
    "on_hold": Words("刚改过联系方式或密码，要先等一等", "contacts changed; please wait"),
    "changed_meanwhile": Words("登记的内容在这期间已改过", "the record changed meanwhile"),
    "not_registered": Words("登记里没有查到您", "you are not in the register"),
    "own_only": Words("查询密码只能本人设", "only the person can set a password"),
    "other": Words("这次变更没有登记上", "the change was not recorded"),
}
CAUSES: Mapping[str, Words] = {
    "many_people": Words("已登记给多个人", "serves several people already"),
    "often": Words("短期内多次变更", "changed often lately"),
    "password_alone": Words("只凭查询密码", "proven by the query password alone"),
    "by_helper": Words("家人代办", "asked for by a relative"),
    "always": Words("本市要求核对", "always reviewed in this city"),
}
STAGES: Mapping[str, Stage] = {
    "": Stage(Words("还没有登记", "not recorded yet"), then=(APPROVED, COUNTER, REVIEW)),
    REVIEW: Stage(Words("工作人员正在核对", "people are looking at it"), then=(APPROVED, RETURNED)),
    RETURNED: Stage(Words("请您改正", "sent back to be put right"), then=("",)),
    APPROVED: Stage(Words("已登记", "recorded")),
    COUNTER: Stage(Words("请带材料到窗口", "bring papers to a counter")),
}
