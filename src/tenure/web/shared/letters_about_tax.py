"""The letters about tax certificates: withheld tax and exemption, at each step. Both languages side by side.

A letter says what happened, then what to do and by when, then one link. Read next: ``letter_texts.py``.
"""

from tenure.kernel.text import Text
from tenure.web.shared.paragraphs import Words, say, when

SEE_ORDER = Text("See the order: {link}", "檢視訂單：{link}")
SEE_EXEMPTION = Text("See the application: {link}", "檢視申請：{link}")

TAX: dict[str, Words] = {
    # Withheld tax
    "withholding.submitted": Words(
        Text("Certificate received: {withheld} for order {number}", "已收到訂單 {number} 的扣繳憑單：{withheld}"),
        (
            say(
                "The certificate of {withheld} that {company} withheld for order {number}, {offer}, is with our "
                "finance team. It counts once they have accepted it.",
                "「{company}」就{offer}訂單 {number} 扣繳 {withheld} 的憑單已送達財務人員，審核通過後即計入付款。",
            ),
            say(
                "Transfer {rest} by {pay_by}, if you have not yet, and quote the reference {reference}. Money and "
                "withheld tax together must be {amount}.",
                "若尚未轉帳，請於 {pay_by}前轉帳 {rest}，並註明付款參考編號 {reference}。"
                "實際轉帳與扣繳稅額合計須等於 {amount}。",
            ),
        ),
        SEE_ORDER,
    ),
    "withholding.pending_partner": Words(
        Text("Your answer is needed: certificate for order {number}", "請補充資料：訂單 {number} 的扣繳憑單"),
        (
            say(
                "The certificate of {withheld} withheld for order {number}, {offer} of {company}, can't be accepted "
                "yet.",
                "「{company}」{offer}訂單 {number} 扣繳 {withheld} 的憑單，目前還不能接受。",
            ),
            say("What we need:\n{answer}", "需要補充：\n{answer}"),
            say("The order stays open until {pay_by}, that day included.", "訂單保留至 {pay_by}（含當日）。"),
        ),
        Text("Send it again: {link}", "重新送交：{link}"),
    ),
    "withholding.accepted": Words(
        Text(
            "Certificate accepted: {withheld} counts for order {number}", "扣繳憑單已接受：{withheld} 計入訂單 {number}"
        ),
        (
            say(
                "The {withheld} that {company} withheld as tax counts like money for order {number}, {offer}.",
                "「{company}」扣繳的 {withheld} 已視同付款，計入{offer}訂單 {number}。",
            ),
            when(
                "open",
                "The order is complete when {rest} has arrived as well. Quote the reference {reference} and pay by "
                "{pay_by}, that day included.",
                "收到其餘 {rest} 後，訂單即付清。轉帳時請註明付款參考編號 {reference}，並於 {pay_by}前（含當日）付款。",
            ),
        ),
        SEE_ORDER,
    ),
    "withholding.refused": Words(
        Text("Certificate not accepted for order {number}", "訂單 {number} 的扣繳憑單未獲接受"),
        (
            say(
                "The certificate of {withheld} withheld for order {number}, {offer} of {company}, was not accepted.",
                "「{company}」{offer}訂單 {number} 扣繳 {withheld} 的憑單未獲接受。",
            ),
            say("The reason:\n{answer}", "原因：\n{answer}"),
            when(
                "open",
                "The order waits for {amount} in full until {pay_by}, that day included. Transfer what is missing, or "
                "send another certificate.",
                "訂單仍須付足 {amount}，付款期限為 {pay_by}（含當日）。補足差額，或另送憑單。",
            ),
        ),
        SEE_ORDER,
    ),
    # Exemption
    "exemption.submitted": Words(
        Text("Application for tax exemption received: {certificate}", "已收到免稅申請：{certificate}"),
        (
            say(
                "{company} has applied for tax exemption with certificate {certificate}. Our finance team checks it; "
                "until then orders carry tax as before.",
                "「{company}」已以證明文件 {certificate} 申請免稅，財務人員正在審核；審核完成前，訂單照常計稅。",
            ),
        ),
        SEE_EXEMPTION,
    ),
    "exemption.pending_partner": Words(
        Text("Your answer is needed: application for tax exemption", "請補充資料：免稅申請"),
        (
            say(
                "The application of {company} with certificate {certificate} can't be decided yet.",
                "「{company}」以證明文件 {certificate} 提出的免稅申請，目前還不能核定。",
            ),
            say("What we need:\n{answer}", "需要補充：\n{answer}"),
        ),
        Text("Send it again: {link}", "重新送交：{link}"),
    ),
    "exemption.accepted": Words(
        Text("Tax exemption granted until {valid_to}", "免稅已核准，有效至 {valid_to}"),
        (
            say(
                "Orders that {company} places from {valid_from} to {valid_to}, both days included, carry no tax. "
                "Certificate: {certificate}.",
                "「{company}」自 {valid_from}至 {valid_to}（含首尾兩日）所下的訂單不計稅額。證明文件：{certificate}。",
            ),
            say(
                "Invoices issued before stay as they are. If tax was paid within the last year while the exemption "
                "held, ask for it back with a support request.",
                "先前開立的發票維持不變。若過去一年內在免稅期間已付稅額，可提出支援要求申請退還。",
            ),
        ),
        SEE_EXEMPTION,
    ),
    "exemption.refused": Words(
        Text("Tax exemption not granted: {certificate}", "免稅申請未獲核准：{certificate}"),
        (
            say(
                "The application of {company} with certificate {certificate} was not accepted. Orders carry tax as "
                "before.",
                "「{company}」以證明文件 {certificate} 提出的免稅申請未獲核准，訂單照常計稅。",
            ),
            say("The reason:\n{answer}", "原因：\n{answer}"),
        ),
        SEE_EXEMPTION,
    ),
    "exemption.ending": Words(
        Text(
            "Tax exemption ends on {valid_to}: send the next certificate", "免稅將於 {valid_to}到期，請送交新的證明文件"
        ),
        (
            say(
                "Certificate {certificate} frees {company} from tax until {valid_to}, that day included. Orders placed "
                "later carry tax again.",
                "證明文件 {certificate} 使「{company}」免稅至 {valid_to}（含當日），之後所下的訂單將恢復計稅。",
            ),
            say("Send the next certificate before that day.", "請在該日之前送交新的證明文件。"),
        ),
        Text("Apply: {link}", "提出申請：{link}"),
    ),
}
