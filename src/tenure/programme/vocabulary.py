"""The closed lists of a programme file: what may be written where the choice is not free.

It decides which countries, tax categories, kinds of benefit, letters and words a file may use. It must never
hold anything one programme would choose differently from another. Read next: ``programme/schema.py``.
"""

import re

_ISO_3166 = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_ISO_3166.split())

OFTEN_MEANT = {"UK": "GB", "EL": "GR", "NTD": "TWD", "RMB": "CNY", "YEN": "JPY", "wire": "bank_transfer"}
"""Habits that no spelling distance finds."""

METHODS = ("card", "bank_transfer")
TIERS = ("base", "silver", "gold")
SIDES = ("partner", "staff")
ACTIONS = ("cancel", "refund", "exemption")
BENEFIT_KINDS = ("keys", "seats", "credit", "incidents", "download", "training")

TAX_CATEGORIES = ("S", "Z", "E", "AE", "K", "G", "O")
"""Of EN 16931: standard, zero, exempt, reverse charge, intra-community, export, outside the scope."""
TAX_CATEGORIES_EXPLAINED = ("E", "AE", "K", "G", "O")
"""Categories whose invoice must say why no tax is charged."""

LETTERS = (
    "reminder_before", "reminder_before_auto", "reminder_window", "window_open", "last_call", "lapsed",
    "card_expiring",
)  # fmt: skip
# All that the renewal run knows about the membership it writes about.
PLACEHOLDERS = (
    "person", "company", "offer", "expires_on", "opens_on", "closes_on", "amount", "card", "charge_on", "link",
)  # fmt: skip

JOINING_AGREEMENT = "programme"
"""The agreement a company accepts when it joins."""

# Machine-translated or mainland wordings that a Taiwanese reader stumbles over, and what to write instead.
# 用戶端 is the usual word for a client program and stays allowed, and so is 通行密鑰 for a passkey.
SHUNNED = {
    "行動寶盒": "行動套件",
    "動作套件": "行動套件",
    "動作組件": "行動套件",
    "更新視窗": "續約期間",
    "提供成員資格": "會員優惠",
    "成員資格": "會員資格",
    "訂用帳戶": "訂閱",
    "合作夥伴項目": "合作夥伴計畫",
    "夥伴商": "合作夥伴",
    "銀會員": "銀級專長認證",
    "金會員": "金級專長認證",
    "過期日": "到期日",
    "偵察檔案": "對帳檔案",
    "類型的問題": "問題類型",
    "服務請求": "支援要求",
    "(?<!通行)密鑰": "產品金鑰",
    "發貨單": "發票",
    "審計日誌": "稽核紀錄",
    "遞延收入": "預收收入",
    "用戶(?!端)": "使用者",
    "默認": "預設",
    "軟件": "軟體",
    "網絡": "網路",
    "服務器": "伺服器",
    "信息": "資訊",
    "賬": "帳",
}
_SHUNNED = re.compile("|".join(f"({word})" for word in SHUNNED))
_SIMPLIFIED = re.compile(
    "[们这为国会员时间书车门问题价买卖开关应业务请续约资产证级册订单签验达还过进运选择仅标处权网实组织际]"
)


def shunned(chinese: str) -> dict[str, str]:
    """The words of a text that must not be used, each with the right one.

    >>> shunned("購買行動寶盒的用戶")
    {'行動寶盒': '行動套件', '用戶': '使用者'}
    >>> shunned("用戶端軟體的會員資格")
    {}
    """
    right = tuple(SHUNNED.values())
    return {match.group(): right[(match.lastindex or 1) - 1] for match in _SHUNNED.finditer(chinese)}


def simplified(chinese: str) -> str:
    """The simplified characters found in a text, each once.

    >>> simplified("续约期間"), simplified("續約期間")
    ('续约', '')
    """
    return "".join(dict.fromkeys(_SIMPLIFIED.findall(chinese)))
