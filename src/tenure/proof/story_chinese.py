"""The firms that write Chinese, each with what happened to it. Read next: ``proof/acts.py``."""

from tenure.proof.cast import Firm, Person, on

ZH = "zh-hant"
CANCELLING = "invoice-payment-reconciliation"

FANGZHOU = Firm(
    "方舟系統股份有限公司", "TW", "新北市", "板橋區文聖街 48 號", postcode="220", phone="02 5550 0123",
    tax_id="16480894", language=ZH, people=(Person("許志豪", "zhihao@fangzhou.example", language=ZH),),
    story=(
        on("2019-06-17 09:20", "joins"),
        on("2019-06-17 09:32", "confirms"),
        on("2019-06-18 14:00", "passes", kind="employment"),
        on("2019-06-19 15:10", "fails", kind="business", reason="統一編號與登記的公司名稱不符。"),
        on("2019-06-23 04:30", "appeals", kind="business", paper="company-register.pdf",
           comment="公司於五月更名，附上最新的變更登記表。"),
    ),
)  # fmt: skip

QINGCHUAN = Firm(
    "晴川雲端股份有限公司", "TW", "臺中市", "西屯區朝馬路 12 號 6 樓", postcode="407", phone="04 5550 0118",
    tax_id="81924865", language=ZH,
    people=(Person("林安", "an@qingchuan.example", language=ZH),
            Person("周宜君", "yijun@qingchuan.example", ("billing_admin",), ZH)),
    story=(
        on("2019-06-05", "is_authorised"),
        on("2019-06-10 10:15", "buys", offer="action-pack", by="transfer"),
        on("2019-06-20 16:20", "shows_proof", paid_on="2019-06-19", account="012-34-567890-1"),
    ),
)  # fmt: skip

YAOSHI = Firm(
    "曜石科技股份有限公司", "TW", "新竹市", "東區光復路二段 300 號", postcode="300", phone="03 555 0166",
    tax_id="17784483", language=ZH,
    people=(Person("陳明", "ming@yaoshi.example", language=ZH),
            Person("蔡欣怡", "xinyi@yaoshi.example", ("programme_admin",), ZH),
            Person("郭家豪", "jiahao@yaoshi.example", ("member",), ZH)),
    story=(
        on("2016-08-22", "is_authorised"),
        on("2016-08-25 10:00", "buys", offer="action-pack"),
        on("2016-08-30 11:00", "reaches", offer="silver-cloud",
           certified_people=2, customer_references=3, performance=28000, assessment=1),
        on("2016-09-05 14:00", "buys", offer="silver-cloud"),
        on("2018-10-02 10:00", "uses", benefit="advisory-hours", quantity=6, note="架構檢討"),
        on("2019-05-20 10:00", "reaches", offer="gold-cloud",
           certified_people=4, customer_references=4, performance=132000, assessment=1),
        on("2019-06-18 10:30", "asks", who=1, problem_type="benefits-activation", subject="雲端點數尚未入帳",
           text="六月的雲端點數指派後還沒有出現在帳戶中，請協助確認。"),
        on("2019-06-18 15:00", "is_answered", text="已確認指派紀錄，點數會在今天下午五點前入帳。入帳後請告訴我們。"),
        on("2019-06-19 09:10", "answers", who=1, text="已經收到，謝謝。"),
        on("2019-06-19 09:40", "is_closed", text="很高興問題已經解決。"),
    ),
)  # fmt: skip

YUNFENG = Firm(
    "雲峰數位股份有限公司", "TW", "臺北市", "內湖區瑞湖街 77 號 3 樓", postcode="114", phone="02 5550 0177",
    tax_id="18302983", language=ZH, people=(Person("黃柏翰", "bohan@yunfeng.example", language=ZH),),
    story=(
        on("2019-05-20", "is_authorised"),
        on("2019-06-03 10:00", "reaches", offer="gold-cloud",
           certified_people=5, customer_references=6, performance=150000, assessment=1),
        on("2019-06-12 11:40", "buys", offer="gold-cloud"),
        on("2019-06-18 17:20", "asks", offer="gold-cloud", problem_type=CANCELLING, subject="取消金級專長認證",
           text="董事會決定暫緩雲端業務，尚未使用任何權益，申請退款。"),
        # Above the limit: one has agreed, a second has to.
        on("2019-06-20 10:10", "is_decided", refund=True),
    ),
)  # fmt: skip

QINGLAN = Firm(
    "青嵐資訊有限公司", "TW", "嘉義市", "西區民生北路 9 號", postcode="600", phone="05 555 0133", tax_id="23831903",
    language=ZH, people=(Person("劉怡伶", "yiling@qinglan.example", ("global_admin",), ZH),),
    story=(
        on("2019-03-01 10:10", "comes_from_the_old_portal",
           offer="action-pack", expires_on="2019-08-20", anchor_on="2015-08-20"),
    ),
)  # fmt: skip

MOHAI = Firm(
    "墨海設計有限公司", "TW", "臺南市", "中西區海安路 55 號", postcode="700", phone="06 555 0144", tax_id="95753514",
    language=ZH, people=(Person("謝佩珊", "peishan@mohai.example", language=ZH),),
    story=(
        on("2018-04-09", "is_authorised"),
        on("2018-04-12 10:00", "buys", offer="action-pack"),
        on("2019-06-21 11:00", "asks", problem_type="membership-purchase-renewal", subject="更換自動續約的信用卡",
           text="原本的信用卡即將到期，請問下次續約前要怎麼更換？"),
    ),
)  # fmt: skip

SHIGUANG = Firm(
    "拾光軟體有限公司", "TW", "高雄市", "鼓山區明華路 120 號", postcode="804", phone="07 555 0155", tax_id="17999533",
    language=ZH, people=(Person("曾子軒", "zixuan@shiguang.example", language=ZH),),
    story=(
        on("2019-05-30", "is_authorised"),
        on("2019-06-05 10:00", "buys", offer="action-pack"),
        on("2019-06-06 09:00", "reveals", benefit="server-keys"),
        on("2019-06-15 14:00", "asks", offer="action-pack", problem_type=CANCELLING, subject="申請取消訂閱",
           text="我們改用其他方案，想取消行動套件。"),
        on("2019-06-17 10:00", "is_decided", refund=False),
    ),
)  # fmt: skip

HAITANG = Firm(
    "海棠資訊股份有限公司", "TW", "桃園市", "中壢區中央西路 200 號", postcode="320", phone="03 555 0188",
    tax_id="37643310", language=ZH, people=(Person("何俊傑", "junjie@haitang.example", language=ZH),),
    story=(
        on("2018-11-05", "is_authorised"),
        on("2018-11-08 10:00", "is_exempt", certificate="財北字第 107110801 號", first="2018-11-01", last="2019-10-31"),
        on("2018-11-12 10:00", "buys", offer="action-pack", by="transfer"),
        on("2018-11-15 11:00", "pays"),
        on("2019-06-21 11:30", "stray_transfer", minor=15750, currency="TWD", reference="會員費", payer="林記貿易行"),
    ),
)  # fmt: skip

FIRMS = (FANGZHOU, QINGCHUAN, YAOSHI, YUNFENG, QINGLAN, MOHAI, SHIGUANG, HAITANG)
