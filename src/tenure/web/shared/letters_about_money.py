"""The letters about orders and money: placed, paid, declined, short, refunded, disputed. Both languages side by side.

A letter says what happened, then what to do and by when, then one link. Read next: ``letter_texts.py``.
"""

from tenure.kernel.text import Text
from tenure.web.shared.paragraphs import Words, say, unless, when

SEE_ORDER = Text("See the order: {link}", "檢視訂單：{link}")

MONEY: dict[str, Words] = {
    # Orders
    "orders.placed": Words(
        Text(
            "{offer}: pay {amount} by {pay_by} for order {number}",
            "{offer}訂單 {number} 已成立，{pay_by}前付款 {amount}",
        ),
        (
            say(
                "Order {number} has been placed. {offer} of {company} takes effect when {amount} arrives.",
                "訂單 {number} 已成立。收到 {amount}後，「{company}」的{offer}即生效。",
            ),
            say(
                "Pay by {pay_by}, that day included, and quote the reference exactly, so that we can match it at once.",
                "請於 {pay_by}前（含當日）付款，並完整註明付款參考編號，我們才能立即對帳。",
            ),
            say(
                "Payee: {payee}\nBank: {bank}\nAccount: {account}\nAmount, tax included: {amount}\n"
                "Reference: {reference}\nPartner ID: {partner_number}",
                "收款人：{payee}\n銀行：{bank}\n帳號：{account}\n金額（含稅）：{amount}\n付款參考編號：{reference}\n"
                "合作夥伴識別碼：{partner_number}",
            ),
        ),
        Text("See the order or upload a proof of payment: {link}", "檢視訂單或上傳付款證明：{link}"),
    ),
    "orders.paid": Words(
        Text("Paid {amount}: {offer} runs to {expires_on}", "已付款 {amount}，{offer}有效至 {expires_on}"),
        (
            when(
                "automatic",
                "{offer} of {company} has renewed by itself. {amount}, tax included, was charged to the card on file.",
                "「{company}」的{offer}已自動續約，並自留存的信用卡收取 {amount}（含稅）。",
            ),
            unless(
                "automatic",
                "Your payment of {amount}, tax included, for {offer} of {company} has arrived.",
                "已收到「{company}」{offer}的款項 {amount}（含稅）。",
            ),
            when(
                "withheld",
                "{withheld} of it was withheld as tax, as your certificate shows; the invoice states the whole price.",
                "其中 {withheld} 依貴公司的扣繳憑單以扣繳稅額計入，發票仍載明全額。",
            ),
            say(
                "Order: {number}\nInvoice: {invoice}\nPeriod: {starts_on} to {expires_on}\n"
                "Partner ID: {partner_number}",
                "訂單編號：{number}\n發票號碼：{invoice}\n期間：{starts_on}至{expires_on}\n"
                "合作夥伴識別碼：{partner_number}",
            ),
            when(
                "auto_renew",
                "Auto-renew is on: it renews by itself on the day after {expires_on}. We write before that, and "
                "you can turn it off at any time.",
                "自動續約為開啟：{expires_on}的次日將自動續約。屆時我們會先來信通知，您也可以隨時關閉。",
            ),
            unless(
                "auto_renew",
                "Auto-renew is off. We'll remind you before {expires_on}.",
                "自動續約為關閉。我們會在 {expires_on}前提醒您。",
            ),
        ),
        Text("See the order and download the invoice: {link}", "檢視訂單並下載發票：{link}"),
    ),
    "orders.expiring": Words(
        Text("Pay by {pay_by}: order {number} is still open", "{pay_by}前付款：訂單 {number} 等待付款"),
        (
            say(
                "No payment of {amount} has arrived yet for order {number}, {offer} of {company}. The order stays open "
                "until {pay_by}, that day included.",
                "「{company}」{offer}的訂單 {number} 尚未收到 {amount}。訂單保留至 {pay_by}（含當日）。",
            ),
            say(
                "If you have paid already, there is nothing you need to do: the day the bank books the money counts. "
                "If not, quote the reference {reference}.",
                "若已付款，無須另行處理；日期以銀行入帳日為準。若尚未付款，轉帳時註明付款參考編號 {reference}。",
            ),
        ),
        SEE_ORDER,
    ),
    "orders.expired": Words(
        Text("Order {number} expired unpaid", "訂單 {number} 逾期未付款，已失效"),
        (
            say(
                "No payment arrived in time for order {number}, {offer} of {company}. The order has ended and nothing "
                "is owed.",
                "「{company}」{offer}的訂單 {number} 未在期限內收到款項，訂單已失效，您無須付款。",
            ),
            say(
                "If you still want {offer}, place a new order. Money that arrives late is held for your company and "
                "pays the next order.",
                "若仍需要{offer}，重新下單即可。逾期入帳的款項會暫收保留，用於支付貴公司的下一筆訂單。",
            ),
        ),
        SEE_ORDER,
    ),
    # Payments
    "payments.declined": Words(
        Text(
            "{offer} not renewed, card declined: renew by {closes_on}",
            "信用卡遭拒，{offer}尚未續約，{closes_on}前可續約",
        ),
        (
            when(
                "because",
                "The automatic renewal of {offer} of {company} did not go through: the card {card} was declined, "
                "{because}. Nothing was charged.",
                "「{company}」的{offer}未能自動續約：信用卡 {card} 遭拒，原因為{because}。未收取任何費用。",
            ),
            unless(
                "because",
                "The automatic renewal of {offer} of {company} did not go through: the bank declined the card {card}. "
                "Nothing was charged.",
                "「{company}」的{offer}未能自動續約：銀行拒絕了信用卡 {card}。未收取任何費用。",
            ),
            when(
                "retries",
                "We'll try again within the renewal window. To be certain, renew by {closes_on} with another card "
                "or by bank transfer; that stops the automatic attempts.",
                "續約期間內我們會再次嘗試扣款。為求保險，可在 {closes_on}前改用其他信用卡或銀行轉帳續約，"
                "自動扣款隨即停止。",
            ),
            unless(
                "retries",
                "We won't try this card again. Renew by {closes_on} with another card or by bank transfer; after that "
                "day the membership lapses.",
                "這張信用卡不會再次扣款。請在 {closes_on}前改用其他信用卡或銀行轉帳續約；逾期會員資格即失效。",
            ),
        ),
        Text("Choose another way to pay: {link}", "改用其他付款方式：{link}"),
    ),
    "payments.action_needed": Words(
        Text(
            "Confirm with your bank: {offer} renews by {closes_on}", "需要向銀行驗證：{offer}的續約期間至 {closes_on}"
        ),
        (
            say(
                "Your bank wants you to confirm the charge of {amount} for {offer} of {company} yourself. Nothing has "
                "been charged yet.",
                "銀行要求由您本人驗證「{company}」{offer}的扣款 {amount}。目前尚未收取任何費用。",
            ),
            say(
                "Confirm by {closes_on}; after that day the membership lapses.",
                "請在 {closes_on}前完成驗證；逾期會員資格即失效。",
            ),
        ),
        Text("Confirm the payment: {link}", "完成付款驗證：{link}"),
    ),
    "payments.unknown": Words(
        Text("Order {number}: we're checking the payment, don't pay again", "訂單 {number} 正在確認付款，請勿重複付款"),
        (
            say(
                "We haven't heard from the bank yet whether {amount} for {offer} of {company} was charged. We keep "
                "asking and write to you as soon as we know.",
                "銀行尚未回覆是否已收取「{company}」{offer}的 {amount}。我們會持續查詢，一有結果就寄信通知您。",
            ),
            say("Until then, don't pay again.", "在此之前，請勿重複付款。"),
        ),
        SEE_ORDER,
    ),
    "payments.transfer_short": Words(
        Text("{missing} missing for order {number}: pay by {pay_by}", "訂單 {number} 尚差 {missing}，{pay_by}前補足"),
        (
            say(
                "Your transfer for {offer} of {company} has arrived, but {missing} of {amount} is missing. Nothing has "
                "been activated yet.",
                "已收到「{company}」{offer}的轉帳，但應付 {amount}，尚差 {missing}，因此尚未啟用。",
            ),
            say(
                "Transfer the difference by {pay_by}, that day included, and quote the reference {reference}.",
                "請於 {pay_by}前（含當日）補足差額，並註明付款參考編號 {reference}。",
            ),
        ),
        SEE_ORDER,
    ),
    "payments.refunded": Words(
        Text("Refunded: {back} for order {number}", "訂單 {number} 已退款 {back}"),
        (
            say(
                "We have sent {back} for {offer} of {company} back the way it was paid. Your bank decides on which day "
                "it shows.",
                "「{company}」{offer}的 {back}已循原付款方式退回，入帳日依銀行作業而定。",
            ),
            say(
                "Credit note {credit_note} corrects the invoice of order {number}.",
                "折讓單 {credit_note} 更正訂單 {number} 的發票。",
            ),
            when(
                "withheld",
                "{withheld} of the price was withheld as tax and never reached us. The certificate no longer counts "
                "here; have it corrected by your tax office.",
                "價款中有 {withheld} 由貴公司扣繳，未匯入我們的帳戶。該憑單在此已不再計入，請向貴公司的稅務機關更正。",
            ),
        ),
        Text("See the order and download the credit note: {link}", "檢視訂單並下載折讓單：{link}"),
    ),
    "payments.card_removed": Words(
        Text("{card} has been removed", "{card} 已移除"),
        (
            say(
                "{card} of {company} is no longer kept and will not be charged again.",
                "「{company}」的 {card} 已不再留存，今後不會再自這張卡扣款。",
            ),
            when(
                "renewed",
                "It renewed {offers}. Auto-renew is off there now: we remind you before it expires, and you choose "
                "auto-renew again when you next renew by card.",
                "這張卡原用於{offers}的自動續約，該自動續約已關閉。到期前我們會提醒您；下次以信用卡續約時，可重新選擇自動續約。",
            ),
        ),
        Text("See the cards that are kept: {link}", "檢視留存的信用卡：{link}"),
    ),
    "payments.disputed": Words(
        Text("Order {number}: your bank disputes the payment", "訂單 {number} 的款項遭銀行提出爭議"),
        (
            say(
                "The bank of the card that paid {amount} for {offer} of {company} has taken the money back, because "
                "somebody disputed the charge. Until it has decided, the membership is suspended and nothing is "
                "charged.",
                "支付「{company}」{offer} {amount} 的發卡銀行因有人對扣款提出爭議，已暫時收回款項。"
                "在銀行裁定前，會員資格暫停，期間不會扣款。",
            ),
            say(
                "If the dispute is a mistake, ask the bank to withdraw it. Nothing is lost meanwhile.",
                "若爭議出於誤會，可請銀行撤回；在此期間，您的資料與權益都會保留。",
            ),
        ),
        SEE_ORDER,
    ),
    "payments.dispute_won": Words(
        Text("Order {number}: the payment stands, {offer} goes on", "訂單 {number} 的款項確認有效，{offer}恢復"),
        (
            say(
                "The bank has decided that the charge of {amount} was right. {offer} of {company} is no longer "
                "suspended.",
                "銀行已裁定 {amount} 的扣款有效，「{company}」的{offer}不再暫停。",
            ),
        ),
        SEE_ORDER,
    ),
    "payments.dispute_lost": Words(
        Text("Order {number}: the bank has returned your payment", "訂單 {number} 的款項已由銀行退回"),
        (
            say(
                "The bank has decided against the charge and returned {amount}. {offer} of {company} has ended with "
                "it; a credit note corrects the invoice. You can buy it again at any time.",
                "銀行裁定扣款不成立，已退回 {amount}。「{company}」的{offer}隨之終止，"
                "並以折讓單更正發票；您可隨時重新購買。",
            ),
        ),
        SEE_ORDER,
    ),
}
