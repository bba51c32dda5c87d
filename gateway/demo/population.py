"""What the synthetic city is made of: weights and words, all of it rounded and public.

Populations are ten thousands of residents near the 2020 census; the age pyramid
is that of an ageing Hunan city (a quarter is over 60); towns are real, villages
and house numbers are not meant to be. Words in one string stand apart by spaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Sex = Literal["female", "male"]

# GB/T 2260 code → (name, weight, sub-districts, towns)
DISTRICTS: Mapping[str, tuple[str, float, str, str]] = {
    "430702": ("武陵区", 72.1, "穿紫河 启明 府坪 永安 芷兰 南坪 白马湖 丹阳", "丹洲 河洑 芦荻山"),
    "430703": ("鼎城区", 73.6, "红云 玉霞 郭家铺 斗姆湖", "灌溪 蒿子港 石板滩 谢家铺 牛鼻滩 中河口 周家店"),
    "430721": ("安乡县", 42.6, "深柳", "大鲸港 黄山头 三岔河 官垱 下渔口 陈家嘴"),
    "430722": ("汉寿县", 69.6, "龙阳 辰阳 沧浪", "太子庙 岩汪湖 蒋家嘴 罐头嘴 军山铺 洲口"),
    "430723": ("澧县", 74.3, "澧阳 澧西 澧浦 澧澹", "小渡口 梦溪 涔南 大堰垱 城头山 复兴"),
    "430724": ("临澧县", 36.3, "安福 望城", "合口 新安 佘市桥 太浮 四新岗"),
    "430725": ("桃源县", 79.8, "漳江 浔阳", "陬市 盘塘 漆河 热市 茶庵铺 剪市 马鬃岭"),
    "430726": ("石门县", 55.5, "楚江 永兴 二都 宝峰", "蒙泉 夹山 壶瓶山 皂市 太平 维新"),
    "430781": ("津市市", 21.5, "三洲驿 汪家桥 襄阳街 金鱼岭 嘉山", "新洲 药山 毛里湖 白衣"),
}

# lowest age of the group → (share of the city in per cent, male share); the last group ends with 100
PYRAMID: Mapping[int, tuple[float, float]] = {
    0: (4.2, 0.527), 5: (5.4, 0.529), 10: (5.7, 0.533), 15: (4.7, 0.532), 20: (4.0, 0.525),
    25: (4.6, 0.515), 30: (6.6, 0.508), 35: (6.6, 0.508), 40: (6.2, 0.510), 45: (7.2, 0.510),
    50: (9.6, 0.508), 55: (9.9, 0.506), 60: (7.3, 0.503), 65: (6.6, 0.496), 70: (5.5, 0.492),
    75: (3.4, 0.480), 80: (1.8, 0.455), 85: (0.75, 0.415), 90: (0.22, 0.360), 95: (0.05, 0.300),
}  # fmt: skip
OLDEST = 100

# family name and its pinyin → weight
FAMILIES: Mapping[str, int] = {
    "李 li": 78, "王 wang": 62, "张 zhang": 66, "刘 liu": 80, "陈 chen": 60, "周 zhou": 44, "杨 yang": 42,
    "黄 huang": 38, "彭 peng": 30, "唐 tang": 28, "罗 luo": 27, "胡 hu": 26, "肖 xiao": 24, "邓 deng": 23,
    "谢 xie": 22, "曾 zeng": 21, "何 he": 20, "龙 long": 18, "吴 wu": 22, "蒋 jiang": 18, "熊 xiong": 16,
    "郭 guo": 16, "向 xiang": 15, "覃 qin": 14, "朱 zhu": 15, "徐 xu": 14, "孙 sun": 11, "丁 ding": 10,
    "汪 wang": 9, "戴 dai": 9, "田 tian": 9, "贺 he": 9, "廖 liao": 9, "曹 cao": 9, "余 yu": 9,
    "高 gao": 8, "赵 zhao": 10, "宋 song": 8, "袁 yuan": 8, "文 wen": 8, "易 yi": 8, "鲁 lu": 6,
    "郑 zheng": 6, "毛 mao": 5, "马 ma": 5, "苏 su": 5, "严 yan": 5, "梁 liang": 4, "佘 she": 3,
    "欧阳 ouyang": 3, "皮 pi": 3, "龚 gong": 6,
}  # fmt: skip

# (born before, sex) → first and last characters of given names
GIVEN: Mapping[tuple[int, Sex], tuple[str, str]] = {
    (1965, "female"): ("桂秀玉金春菊冬满腊兰淑凤细翠早美", "英兰珍枝莲香秀梅姣云娥芝元桃华玉"),
    (1965, "male"): ("国德光明金先志大建昌文长家正绍运", "清生华云林成贵福初元明祥武才喜军"),
    (1990, "female"): ("丽小晓红艳海春文雪建玉冬永慧亚志", "芳丽红艳霞英琴平兰辉燕娟群华玲敏"),
    (1990, "male"): ("建志小国文海卫立永伟新勇俊光宏学", "军平华勇辉明斌波刚兵林强伟武峰成"),
    (2100, "female"): ("子雨欣思梓诗佳语可嘉一若紫雅心芷", "涵萱怡琪彤涵妍瑶熙轩婷雯萌宁悦溪"),
    (2100, "male"): ("子浩宇俊梓睿嘉一博天思文泽志家明", "轩涵宇豪杰睿辰阳航博然鑫宸哲凯霖"),
}

ROADS = (
    "人民路 洞庭大道 建设路 朗州路 柳叶大道 解放路 龙阳路 紫菱路 滨湖路 育才路 和平街 文化路 沿河路 朝阳路"
)
VILLAGES = "双桥 荷花 新堰 太阳山 杨家坪 青龙 白鹤 莲塘 枫林 长岭 桃树湾 石桥 金盆 南竹 大堤 沙河"

# first three digits of mainland mobiles
MOBILE_SEGMENTS = (
    "130 131 132 133 134 135 136 137 138 139 147 150 151 152 153 155 156 157 158 159 166 "
    "173 175 176 177 178 180 181 182 183 184 185 186 187 188 189 191 193 198 199"
)

BANKS: Mapping[str, int] = {
    "中国建设银行": 40, "中国农业银行": 50, "中国工商银行": 36, "中国银行": 20, "中国邮政储蓄银行": 34,
    "交通银行": 8, "长沙银行": 14, "湖南农商银行": 54,
}  # fmt: skip

# The statuses of pension eligibility authentication.
PENSION_STATES: Mapping[str, int] = {
    "done_silent": 610, "not_due": 130, "done_face": 90, "due_soon": 56, "done_helper": 30,
    "done_counter": 22, "failed": 16, "overdue_grace": 14, "submitted_reviewing": 11, "paused": 9, "ended": 5,
    "resumed_backpay_pending": 3, "backpaid": 2, "done_overseas": 2,
}  # fmt: skip

# When the last authentication was, for each state: days before the day ages are counted on, from
# and to. It is asked for every twelve months, and a pension is paused from month 13.
LAST_DONE: Mapping[str, tuple[int, int]] = {
    "done_silent": (3, 275), "done_face": (3, 275), "done_helper": (3, 275), "done_counter": (3, 275),
    "done_overseas": (3, 275), "not_due": (30, 275), "due_soon": (276, 364), "failed": (300, 364),
    "submitted_reviewing": (320, 364), "overdue_grace": (366, 395), "paused": (400, 800),
    "resumed_backpay_pending": (3, 30), "backpaid": (31, 240), "ended": (100, 900),
}  # fmt: skip
FAILED_ON = (1, 40)  # days before

PENSION_FAILURES: Mapping[str, int] = {
    "photo_mismatch": 40, "changed_face": 14, "bad_light": 13, "covered_face": 9, "other_account": 8,
    "unreadable_id": 7, "data_mismatch": 5, "app_fault": 4,
}  # fmt: skip

CARD_STATES: Mapping[str, int] = {"normal": 1000, "formal_lost": 9, "replacing": 9, "cancelled": 6}
