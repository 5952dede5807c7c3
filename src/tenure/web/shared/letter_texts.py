"""The letters' own texts, both languages side by side: one entry for each code that anybody is told.

A letter says what happened, then what to do and by when, then one link. It must never promise what a rule does
not, nor carry a placeholder without a fact. The programme's reminders are not here: they are data of the
programme file. Read next: ``letters.py``.
"""

from tenure.kernel.text import Text
from tenure.web.shared.letters_about_money import MONEY
from tenure.web.shared.letters_about_people import PEOPLE
from tenure.web.shared.letters_about_tax import TAX
from tenure.web.shared.letters_about_webhooks import WEBHOOKS
from tenure.web.shared.paragraphs import Words, say, unless, when

CHECKS = {
    "email": Text("e-mail address", "電子郵件"),
    "employment": Text("employment", "任職"),
    "business": Text("business", "公司"),
}
OUTCOMES = {
    "refunded": Text("refunded", "已退款"),
    "do_not_renew": Text("runs to its expiry date and will not renew", "有效至到期日，到期後不再續約"),
    "tax_refunded": Text("tax refunded", "稅額已退還"),
    "answered": Text("answered", "已回覆"),
}

SEE_REQUEST = Text("Read and answer: {link}", "檢視並回覆：{link}")
SEE_OFFERS = Text("See the offers: {link}", "檢視會員優惠：{link}")
SEE_SUBSCRIPTION = Text("See the subscription: {link}", "檢視訂閱：{link}")

GENERAL = Words(
    Text("News from the {programme}", "{programme}有新消息"),
    (say("Something has changed in your company's membership.", "貴公司的會員資格有新的變動。"),),
    Text("Sign in to see it: {link}", "登入檢視：{link}"),
)

LETTERS: dict[str, Words] = {
    # Joining
    "enrolment.confirm_email": Words(
        Text("Confirm your e-mail address for {company}", "確認「{company}」的電子郵件地址"),
        (
            say(
                "{company} has applied to join the {programme} and named this address. Confirm within 30 days that it "
                "is yours; then we check the company, which usually takes three to five working days.",
                "「{company}」已申請加入{programme}，並登記這個電子郵件地址。請在 30 天內確認這是您的地址；"
                "確認後，我們會審核公司資料，通常需要三至五個工作天。",
            ),
            say(
                "If you know nothing of this, do nothing: without your confirmation the application ends here.",
                "若您不知道這項申請，無須處理；未經您確認，申請就到此為止。",
            ),
        ),
        Text("Confirm the address: {link}", "確認電子郵件地址：{link}"),
    ),
    "enrolment.verified": Words(
        Text("{company} is authorised: membership offers can be bought now", "「{company}」已核准，可以購買會員優惠"),
        (
            say(
                "{company} has passed verification. Its partner ID is {partner_number}; quote it when you write to us.",
                "「{company}」已通過驗證，合作夥伴識別碼為 {partner_number}，來信時註明即可。",
            ),
            say("From now on your company can buy membership offers.", "貴公司即日起可以購買會員優惠。"),
        ),
        SEE_OFFERS,
    ),
    "enrolment.rejected": Words(
        Text("{company}: the {check} check was not passed", "「{company}」的{check}驗證未通過"),
        (
            say(
                "We could not complete the {check} check of {company}. The reason: {reason}",
                "「{company}」的{check}驗證未通過，原因如下：{reason}",
            ),
            say(
                "You can appeal: add a document and a comment, and we check again. Until it has passed, nothing can "
                "be bought.",
                "您可以提出申覆：附上文件與說明，我們會重新審核。通過之前無法購買會員優惠。",
            ),
        ),
        Text("Appeal: {link}", "提出申覆：{link}"),
    ),
    "people.invitation": Words(
        Text("Join {company} in the {programme} by {until}", "邀請您加入「{company}」，{until}前有效"),
        (
            when(
                "by",
                "{by} invites you to work for {company} in the {programme}.",
                "{by} 邀請您在{programme}中加入「{company}」。",
            ),
            unless(
                "by",
                "You are invited to work for {company} in the {programme}.",
                "邀請您在{programme}中加入「{company}」。",
            ),
            say(
                "Choose a password by {until}, that day included. The link works once, and for this address only.",
                "在 {until}前（含當日）設定密碼即可加入。連結僅限這個電子郵件地址使用一次。",
            ),
        ),
        Text("Accept the invitation: {link}", "接受邀請：{link}"),
    ),
    "partners.invited_here": Words(
        Text("{company} is invited to move from the old portal", "邀請「{company}」移出舊入口網站"),
        (
            say(
                "{company} has been managed in the old portal until now. You can move it here; what it holds and its "
                "expiry dates come along.",
                "「{company}」目前於舊入口網站管理。現在可以移至這裡，原有的訂閱與到期日維持不變。",
            ),
            say(
                "From the move on, the renewal dates of this portal apply, even if renewal is open in the old portal "
                "today. The page shows them before you decide.",
                "移轉後即適用本網站的續約期間，即使舊入口網站目前已開放續約也一樣。決定之前，頁面會先列出日期。",
            ),
        ),
        Text("Compare and decide: {link}", "比較後決定：{link}"),
    ),
    "competencies.qualified": Words(
        Text("Qualified: {offer} can be bought now", "已符合{offer}資格，可以購買"),
        (
            say(
                "{company} meets every requirement of {offer}. It takes effect when the fee is paid.",
                "「{company}」已符合{offer}的所有資格條件，付費後即生效。",
            ),
        ),
        SEE_OFFERS,
    ),
    **MONEY,
    **PEOPLE,
    **TAX,
    **WEBHOOKS,
    # Renewals
    "renewals.auto_renew_off": Words(
        Text("Auto-renew is off: {offer} expires on {expires_on}", "自動續約已關閉，{offer}將於 {expires_on}到期"),
        (
            say(
                "Auto-renew of {offer} of {company} is off. Nothing will be charged by itself any more, and it "
                "can't be turned on again until you next renew.",
                "「{company}」{offer}的自動續約已關閉，不會再自動收取費用；須待下次續約才能重新開啟。",
            ),
            say(
                "The membership runs to {expires_on}. You can renew it by hand from {opens_on} to {closes_on}, both "
                "days included; we'll remind you.",
                "會員資格有效至 {expires_on}。您可以在 {opens_on}至{closes_on}之間自行續約，首日與末日均計入；"
                "我們會提醒您。",
            ),
        ),
        SEE_SUBSCRIPTION,
    ),
    # Support
    "support.received": Words(
        Text("Support request {number} received", "已收到支援要求 {number}"),
        (
            when(
                "cancelling",
                "Your request {number} to cancel a subscription of {company} has been sent. Auto-renew is off from now "
                "on, so nothing will be charged while it is being decided.",
                "取消「{company}」訂閱的支援要求 {number} 已送出。自動續約即日起關閉，處理期間不會收取任何費用。",
            ),
            unless(
                "cancelling",
                "Your request {number} for {company} has been sent. We'll write to you when there is an answer.",
                "「{company}」的支援要求 {number} 已送出，有回覆時會寄信通知您。",
            ),
        ),
        Text("Follow the request: {link}", "檢視處理進度：{link}"),
    ),
    "support.replied": Words(
        Text("Support request {number} needs your answer", "支援要求 {number} 等待您回覆"),
        (
            say(
                "Our support team has written in request {number} of {company}.",
                "支援人員已在「{company}」的支援要求 {number} 中回覆。",
            ),
        ),
        SEE_REQUEST,
    ),
    "support.closed": Words(
        Text("Support request {number} closed: {result}", "支援要求 {number} 已結案：{result}"),
        (
            say(
                "Request {number} of {company} is closed. Result: {result}.",
                "「{company}」的支援要求 {number} 已結案。結果：{result}。",
            ),
            say(
                "If something is still open, write in the request; that reopens it.",
                "若仍有問題，直接在支援要求中回覆即可重新開啟。",
            ),
        ),
        SEE_REQUEST,
    ),
}
