"""Letters about a person's own way in, both languages side by side.

They must never carry a password or a code. Read next: ``letter_texts.py``.
"""

from tenure.kernel.text import Text
from tenure.web.shared.paragraphs import Words, say, when

PEOPLE: dict[str, Words] = {
    "people.email_change_old": Words(
        Text("Should {email} become your address?", "是否改用 {email}？"),
        (
            say(
                "Somebody who is signed in as you asks to use {email} instead of this address. It changes only when "
                "both addresses agree, within two days.",
                "有人以您的帳號登入，要求改用 {email}。須在兩天內由新舊兩個地址都同意，才會變更。",
            ),
            say(
                "If it wasn't you, don't agree: sign in, change your password and sign out every other device.",
                "若不是您本人，切勿同意；應登入、變更密碼，並登出其他所有裝置。",
            ),
        ),
        Text("Look and agree: {link}", "檢視並同意：{link}"),
    ),
    "people.email_change_new": Words(
        Text("Confirm this address", "確認這個電子郵件地址"),
        (
            say(
                "{email} is to become the address of a user of the {programme}. It changes only when the address used "
                "so far agrees as well, within two days.",
                "{programme}的一位使用者要求改用 {email}。須在兩天內由原地址也同意，才會變更。",
            ),
            say("If you know nothing of this, do nothing.", "若您不知道這件事，無須處理。"),
        ),
        Text("Confirm the address: {link}", "確認電子郵件地址：{link}"),
    ),
    "enrolment.recovery": Words(
        Text(
            "{name} is to become an admin of {company}: stop it if that is wrong",
            "{name} 將成為「{company}」的管理員，如有異議可立即停止",
        ),
        (
            say(
                "{company} has told us that none of its admins is there any more. {name} ({email}) is to be invited as "
                "an admin on {ready_on}, not earlier. We write to you because you are or were an admin or a contact "
                "of the company; you will hear of it every day until then.",
                "「{company}」表示已無任何管理員在職。{name}（{email}）將於 {ready_on} 受邀成為管理員，不會提前。"
                "您是或曾是該公司的管理員或聯絡人，因此通知您；在此之前每天都會通知。",
            ),
            say(
                "If this is wrong, one press stops it at once. If it is right, do nothing.",
                "若此事有誤，按一下即可立即停止；若正確，無須處理。",
            ),
        ),
        Text("Look and stop it: {link}", "檢視並停止：{link}"),
    ),
    "people.place_ending": Words(
        Text("{name}: access to {company} ends on {until_on}", "{name} 對「{company}」的存取權於 {until_on} 截止"),
        (
            say(
                "The access of {name} to {company} was given until {until_on}, that day included. It then ends by "
                "itself, with the API keys made under it.",
                "{name} 對「{company}」的存取權至 {until_on} 當日為止，屆時自動終止，其建立的 API 金鑰也一併失效。",
            ),
            say("An admin can set another day before then.", "管理員可在此之前變更日期。"),
        ),
        Text("See the users: {link}", "檢視使用者：{link}"),
    ),
    "orders.approval_asked": Words(
        Text("Order {number} waits for your approval", "訂單 {number} 待您核准"),
        (
            say(
                "A colleague has ordered {offer} for {company}: {amount}, tax included. Your company has orders of "
                "this size approved by somebody else than who orders.",
                "同事已為「{company}」訂購{offer}，含稅金額 {amount}。"
                "依貴公司設定，此金額的訂單須由訂購人以外的人核准。",
            ),
            say(
                "The price holds until {pay_by}. Nothing is charged or due before somebody approves.",
                "價格保留至 {pay_by}。核准前不會扣款，也無須付款。",
            ),
        ),
        Text("Look at the order: {link}", "檢視訂單：{link}"),
    ),
    "orders.approved": Words(
        Text("Order {number} is approved and can be paid", "訂單 {number} 已核准，可以付款"),
        (say("Pay {amount} for {offer} by {pay_by}.", "請於 {pay_by}前為{offer}付款 {amount}。"),),
        Text("Pay the order: {link}", "為訂單付款：{link}"),
    ),
    "orders.not_approved": Words(
        Text("Order {number} was not approved", "訂單 {number} 未獲核准"),
        (
            say(
                "Somebody of {company} has refused the order of {offer}. It has ended; nothing was charged.",
                "「{company}」的核准人未同意訂購{offer}。訂單已結束，未扣款。",
            ),
            when("answer", "Reason given: {answer}", "理由：{answer}"),
        ),
        Text("See the order: {link}", "檢視訂單：{link}"),
    ),
    "people.join_known": Words(
        Text("You are a user of the {programme} already", "您已是{programme}的使用者"),
        (
            say(
                "Somebody, probably you, tried to enrol a company with this address. It is a user's already: sign in "
                "with it, or set a new password if you have forgotten yours.",
                "有人（可能是您）以這個地址為公司註冊。這個地址已屬於一位使用者，可直接登入；忘記密碼時可設定新密碼。",
            ),
        ),
        Text("Sign in: {link}", "登入：{link}"),
    ),
    "people.email_changed": Words(
        Text("Your address is now {email}", "您的電子郵件地址已改為 {email}"),
        (
            say(
                "From now on you sign in with {email}; letters go there too.",
                "即日起以 {email} 登入，信件也寄到該地址。",
            ),
        ),
        Text("Sign in: {link}", "登入：{link}"),
    ),
}
