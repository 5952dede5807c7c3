"""The firms that write English, each with what happened to it. Read next: ``proof/acts.py``."""

from tenure.proof.cast import Firm, Person, on

CANCELLING = "invoice-payment-reconciliation"

FABRIK = Firm(
    "Fabrik Systems Ltd", "SG", "Singapore", "21 Tanjong Lane", postcode="088540", phone="+65 6555 0142",
    people=(
        Person("Mei-Ling Chen", "mei-ling@fabrik.example"),
        Person("Jonas Weber", "jonas@fabrik.example", ("programme_admin",)),
        Person("Priya Nair", "priya@fabrik.example", ("billing_admin",)),
        Person("Sam Okoye", "sam@fabrik.example", ("member",)),
    ),
    story=(
        on("2016-06-20", "is_authorised"),
        on("2016-06-22 10:20", "buys", offer="action-pack", auto_renew=False),
        on("2017-06-28 15:05", "renews", offer="action-pack", auto_renew=False),
        on("2018-01-22 11:30", "reaches", offer="silver-cloud",
           certified_people=3, customer_references=5, performance=64000, assessment=1),
        on("2018-01-31 09:40", "buys", offer="silver-cloud"),
        on("2018-06-25 16:10", "renews", offer="action-pack", by="transfer"),
        on("2018-07-02 11:00", "pays"),
        on("2018-07-03 10:30", "uses", benefit="office-seats", quantity=4, note="Sales team"),
        on("2018-09-11 14:15", "reveals", benefit="server-keys", count=2),
        on("2019-02-12 10:05", "uses", benefit="incidents", quantity=2, note="Migration of the file server"),
        on("2019-05-14 10:00", "reaches", offer="gold-cloud",
           certified_people=3, customer_references=5, performance=118000, assessment=1),
        on("2019-06-19 11:20", "asks", who=1, problem_type="competencies", subject="One more certified professional",
           text="Our fourth engineer passed the exam on 12 June. When does it count towards gold?"),
        on("2019-06-20 09:50", "is_answered",
           text="Thank you, we see the exam but not the name. Send us the certificate number and we'll record it."),
        on("2019-06-21 17:00", "invites", name="Lena Fischer", email="lena@fabrik.example", role="member"),
    ),
)  # fmt: skip

LANTERN = Firm(
    "Lantern Cloud Pte Ltd", "SG", "Singapore", "5 Kallang Walk", postcode="339411", phone="+65 6555 0177",
    people=(Person("Arjun Rao", "arjun@lantern.example"),
            Person("Chloe Tan", "chloe@lantern.example", ("billing_admin",))),
    story=(
        on("2017-06-20", "is_authorised"),
        on("2017-06-23 11:00", "buys", offer="action-pack"),
        on("2018-07-05 10:00", "uses", benefit="training", quantity=3, note="Cloud fundamentals, July course"),
    ),
)  # fmt: skip

HARBOUR = Firm(
    "Harbour & Pine Ltd", "GB", "Bristol", "14 Quayside Row", postcode="BS1 4QA", phone="+44 117 555 0110",
    tax_id="GB100200318",
    people=(Person("Olivia Hart", "olivia@harbourpine.example"),),
    story=(
        on("2018-05-21", "is_authorised"),
        on("2018-05-24 14:00", "buys", offer="action-pack", auto_renew=False),
    ),
)  # fmt: skip

MISTRAL = Firm(
    "Mistral Conseil SARL", "FR", "Lyon", "9 rue des Tisserands", postcode="69004", phone="+33 4 55 55 01 20",
    people=(Person("Camille Roux", "camille@mistral.example"),),
    story=(
        on("2017-05-08", "is_authorised"),
        on("2017-05-10 10:45", "buys", offer="action-pack", by="transfer"),
        on("2017-05-15 11:00", "pays"),
        on("2018-05-20 09:30", "renews", offer="action-pack", by="transfer"),
        on("2018-05-28 11:00", "pays"),
    ),
)  # fmt: skip

SOUTHERN = Firm(
    "Southern Cross IT Pty Ltd", "AU", "Brisbane", "77 Fig Tree Parade", postcode="4000", phone="+61 7 5555 0133",
    people=(Person("Hannah Doyle", "hannah@southerncross.example"),),
    story=(
        on("2019-06-03", "is_authorised"),
        on("2019-06-12 08:30", "buys", offer="action-pack", by="transfer"),
        on("2019-06-20 11:00", "pays", short=5),
    ),
)  # fmt: skip

KESTREL = Firm(
    "Kestrel Data Ltd", "IE", "Galway", "3 Millrace Court", postcode="H91 X2E5", phone="+353 91 555 014",
    people=(Person("Niamh Byrne", "niamh@kestrel.example"), Person("Cian Walsh", "cian@kestrel.example", ("member",))),
    story=(
        on("2018-09-10", "is_authorised"),
        on("2018-09-14 12:00", "buys", offer="action-pack"),
        on("2019-05-01 09:15", "turns_off_auto_renew", offer="action-pack"),
    ),
)  # fmt: skip

REDWOOD = Firm(
    "Redwood Apps Inc", "US", "Portland", "1200 SE Alder Street", postcode="OR 97214", phone="+1 503 555 0166",
    people=(Person("Marcus Bell", "marcus@redwood.example"),),
    story=(
        on("2018-06-18", "is_authorised"),
        # A card that the bank will decline when the customer is away: its first automatic charge fails on 21 June.
        on("2018-06-20 23:10", "buys", offer="action-pack", card="tok_0341"),
    ),
)  # fmt: skip

ALDGATE = Firm(
    "Aldgate Networks Ltd", "GB", "London", "40 Minster Yard", postcode="EC3N 1AA", phone="+44 20 5555 0181",
    people=(Person("Yusuf Demir", "yusuf@aldgate.example"),),
    story=(
        on("2018-06-14", "is_authorised"),
        # A card whose bank asks the customer each time: the automatic charge of 19 June waits for a person.
        on("2018-06-18 17:30", "buys", offer="action-pack", card="tok_3155"),
    ),
)  # fmt: skip

NORDLYS = Firm(
    "Nordlys AS", "NO", "Bergen", "Strandgaten 8", postcode="5013", phone="+47 55 55 01 09",
    people=(Person("Astrid Lund", "astrid@nordlys.example"),),
    story=(
        on("2019-06-05", "is_authorised"),
        on("2019-06-11 13:20", "buys", offer="action-pack"),
        on("2019-06-22 09:05", "asks", offer="action-pack", problem_type=CANCELLING, subject="Cancel the Action Pack",
           text="We merged with another partner that already has one. Nothing has been used."),
    ),
)  # fmt: skip

QUICKSTEP = Firm(
    "Quickstep Solutions Ltd", "GB", "Leeds", "6 Foundry Lane", postcode="LS1 5QS", phone="+44 113 555 0124",
    people=(Person("Gareth Pugh", "gareth@quickstep.example"),),
    story=(
        on("2018-10-29", "is_authorised"),
        on("2018-11-02 10:00", "buys", offer="action-pack"),
        on("2019-04-15 15:40", "is_suspended", reason="Licences offered for resale; see SR-2019-0003."),
    ),
)  # fmt: skip

BALTIC = Firm(
    "Baltic Byte OÜ", "EE", "Tartu", "Lai 31", postcode="51005", phone="+372 5555 0118",
    people=(Person("Liis Saar", "liis@balticbyte.example", ("global_admin",)),),
    story=(
        on("2019-03-01 10:00", "comes_from_the_old_portal",
           offer="action-pack", expires_on="2019-07-15", anchor_on="2014-07-15"),
        on("2019-06-17 10:00", "is_invited_here"),
    ),
)  # fmt: skip

SAKURA = Firm(
    "Sakura Works KK", "JP", "Nagoya", "4-12-1 Hanamori, Naka-ku", postcode="460-0008", phone="+81 52 555 0155",
    people=(Person("Haruto Mori", "haruto@sakuraworks.example"),),
    story=(
        on("2018-09-25", "is_authorised"),
        on("2018-10-01 10:00", "buys", offer="action-pack", by="transfer"),
        # A week too late: the order has expired, and the money is held for the next one.
        on("2018-11-08 11:00", "pays"),
    ),
)  # fmt: skip

KEYSTONE = Firm(
    "Keystone Analytics BV", "NL", "Utrecht", "Oudegracht 210", postcode="3511 NR", phone="+31 30 555 0147",
    people=(Person("Daan Visser", "daan@keystone.example"),),
    story=(on("2019-06-22 16:45", "joins"),),
)  # fmt: skip

BLUEBIRD = Firm(
    "Bluebird Software GmbH", "DE", "Leipzig", "Lindenring 17", postcode="04109", phone="+49 341 555 0139",
    people=(Person("Greta Vogel", "greta@bluebird.example"),),
    story=(
        on("2019-06-20 09:10", "joins"),
        on("2019-06-20 09:25", "confirms"),
        on("2019-06-21 14:30", "passes", kind="employment"),
    ),
)  # fmt: skip

EVERGREEN = Firm(
    "Evergreen IT GmbH", "AT", "Graz", "Murgasse 22", postcode="8010", phone="+43 316 555 0128",
    people=(Person("Lukas Gruber", "lukas@evergreen.example"),
            Person("Eva Huber", "eva@evergreen.example", ("billing_admin",))),
    story=(
        on("2016-10-03", "is_authorised"),
        on("2016-10-07 09:00", "buys", offer="action-pack"),
        on("2018-03-05 11:00", "reaches", offer="silver-data",
           certified_people=2, customer_references=3, performance=6, assessment=1),
        on("2018-03-12 15:30", "buys", offer="silver-data", by="transfer"),
        on("2018-03-19 11:00", "pays"),
        on("2019-03-20 10:10", "renews", offer="silver-data", by="transfer"),
        on("2019-03-27 11:00", "pays"),
        on("2019-06-21 10:40", "asks", who=1, problem_type="tax", subject="VAT ID on earlier invoices",
           text="Our VAT ID changed on 1 June. Do invoices issued before that day have to be corrected?"),
    ),
)  # fmt: skip

TIDE = Firm(
    "Tide & Timber LLC", "US", "Savannah", "88 Cypress Wharf", postcode="GA 31401", phone="+1 912 555 0102",
    people=(Person("Ruth Calloway", "ruth@tidetimber.example"),),
    story=(
        on("2018-08-30", "is_authorised"),
        on("2018-09-03 10:00", "buys", offer="action-pack"),
        on("2018-09-10 08:50", "asks", offer="action-pack", problem_type=CANCELLING, subject="Bought by mistake",
           text="We meant to renew for another company of our group. Nothing has been used."),
        on("2018-09-12 10:00", "is_decided", refund=True),
    ),
)  # fmt: skip

MERIDIAN = Firm(
    "Meridian Labs Inc", "CA", "Halifax", "19 Lighthouse Road", postcode="B3H 4R2", phone="+1 902 555 0190",
    people=(Person("Zoe Tremblay", "zoe@meridian.example"),),
    story=(
        on("2019-06-10", "is_authorised"),
        on("2019-06-22 21:15", "begins_checkout", offer="action-pack"),
        on("2019-06-19 11:30", "stray_transfer", minor=47500, currency="USD", reference="MEMBERSHIP FEE 2019",
           payer="MERIDIAN LABORATORIES"),
    ),
)  # fmt: skip

FIRMS = (
    FABRIK, LANTERN, HARBOUR, MISTRAL, SOUTHERN, KESTREL, REDWOOD, ALDGATE, NORDLYS, QUICKSTEP, BALTIC, SAKURA,
    KEYSTONE, BLUEBIRD, EVERGREEN, TIDE, MERIDIAN,
)  # fmt: skip
