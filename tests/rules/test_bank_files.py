"""Bank files as banks write them: what is read, what is passed over, and what is refused."""

from datetime import date

import pytest

from tenure.kernel.money import Money
from tenure.payments.statements.base import StatementLine, Unreadable, blotted, finished
from tenure.payments.statements.delimited import Mapping
from tenure.payments.statements.reading import read

ENTRY = (
    '<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}<Sts>{status}</Sts>'
    "<BookgDt><Dt>2019-06-24</Dt></BookgDt><ValDt><Dt>2019-06-23</Dt></ValDt><AcctSvcrRef>{own}</AcctSvcrRef>"
    "<NtryDtls>{details}</NtryDtls></Ntry>"
)
OLD = (
    "<TxDtls><Refs><EndToEndId>E2E-1</EndToEndId></Refs>{amount}<RltdPties><Dbtr><Nm>Contoso</Nm></Dbtr><DbtrAcct><Id>"
    "<IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>RF94 2019 0004 18</Ustrd></RmtInf>"
    "</TxDtls>"
)
NEW = (
    "<TxDtls>{amount}<RltdPties><Dbtr><Pty><Nm>Contoso</Nm></Pty></Dbtr></RltdPties><RmtInf><Strd><CdtrRefInf>"
    "<Ref>RF942019000418</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"
)
PLAIN = OLD.format(amount="")


def entry(amount="498.75", side="CRDT", status="BOOK", own="B1", details="", more="") -> str:
    return ENTRY.format(amount=amount, side=side, status=status, own=own, details=details or PLAIN, more=more)


def balance(code: str, amount: str, side: str = "CRDT") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd></Bal>'
    )


def camt(*parts: str, version: str = "02") -> bytes:
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt><Stmt><Acct><Id>'
        f"<IBAN>DE66500999990002080118</IBAN></Id></Acct>{''.join(parts)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


@pytest.mark.parametrize("version", ["02", "04", "06", "08", "10", "13"])
def test_every_version_is_read_by_the_names_of_its_elements(version):
    details = OLD.format(amount="") if version < "08" else NEW.format(amount="")
    status = "BOOK" if version < "04" else "<Cd>BOOK</Cd>"
    (line,) = read(camt(entry(details=details, status=status), version=version)).lines
    assert line.amount == Money(49875, "EUR") and line.payer == "Contoso"
    assert (line.value_on, line.booked_on) == (date(2019, 6, 23), date(2019, 6, 24))
    assert "RF94" in line.text + line.reference and line.account == "DE66500999990002080118"


def test_a_batch_is_told_apart_when_its_parts_make_the_whole():
    parts = "".join(OLD.format(amount=f'<Amt Ccy="EUR">{a}</Amt>') for a in ("100.00", "398.75"))
    assert [x.amount.minor for x in read(camt(entry(details=parts))).lines] == [10000, 39875]
    inside = "".join(
        OLD.format(amount=f'<AmtDtls><TxAmt><Amt Ccy="EUR">{a}</Amt></TxAmt></AmtDtls>') for a in ("100.00", "398.75")
    )
    assert [x.amount.minor for x in read(camt(entry(details=inside))).lines] == [10000, 39875]


def test_a_batch_whose_parts_do_not_make_the_whole_stays_one_line():
    parts = "".join(OLD.format(amount=f'<Amt Ccy="EUR">{a}</Amt>') for a in ("100.00", "100.00"))
    assert [x.amount.minor for x in read(camt(entry(details=parts))).lines] == [49875]


def test_announced_bookings_are_passed_over_and_reversals_marked():
    found = read(camt(entry(status="PDNG"), entry(side="DBIT", own="B2", more="<RvslInd>true</RvslInd>")))
    assert found.pending == 1
    assert [(line.amount.minor, line.reversal) for line in found.lines] == [(-49875, True)]


def test_a_file_whose_balances_do_not_add_up_is_refused():
    good = camt(balance("OPBD", "1000.00"), balance("CLBD", "1498.75"), entry())
    assert len(read(good).lines) == 1
    with pytest.raises(Unreadable) as refused:
        read(good.replace(b"1498.75", b"1498.76"))
    assert refused.value.reason == "balances_differ"


def test_one_bad_entry_is_told_of_and_the_rest_read():
    found = read(camt(entry(), entry(amount="1e9", own="B2"), entry(amount="10.00", own="B3")))
    assert [line.n for line in found.lines] == [1, 3]
    assert [(fault.line, fault.reason) for fault in found.faults] == [(2, "no_amount")]


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aa">]><Document>camt.053<BkToCstmrStmt>&a;</BkToCstmrStmt></Document>',
        b"<Document>camt.053<BkToCstmrStmt>",
    ],
)
def test_xml_that_means_harm_or_is_cut_off_is_refused(content):
    with pytest.raises(Unreadable) as refused:
        read(content)
    assert refused.value.reason == "not_xml"


SWIFT = """{1:F01FMHBTWTPXXXX0000000000}{2:I940FMHBTWTPXXXXN}{4:
:20:STMT190623
:25:DE66500999990002080118
:28C:00042/001
:60F:C190622EUR1000,00
:61:1906230623C498,75NTRFNONREF//B4X1
:86:166?00SEPA?109310?20EREF+E2E-77?21SVWZ+RF94 2019 0004 18?22fee?30DEUTDEFF?31DE89370400440532013000?32CONTOSO GMBH
:61:1906240624RC5,00NTRFNONREF//B4X3
:86:166?00Back?20SVWZ+gone
:62F:C190624EUR1493,75
-}
"""


def test_mt940_is_read_with_reversals_taken_off():
    first, second = read(SWIFT.encode()).lines
    assert (first.amount, first.payer, first.payer_account) == (
        Money(49875, "EUR"), "CONTOSO GMBH", "DE89370400440532013000",
    )  # fmt: skip
    assert (second.amount.minor, second.reversal) == (-500, True)


def test_a_bad_day_in_mt940_costs_its_line_and_no_more():
    found = read(SWIFT.replace(":61:1906240624RC", ":61:1911310624RC").encode())
    assert [line.n for line in found.lines] == [6]
    assert [(fault.line, fault.reason) for fault in found.faults] == [(8, "bad_field")]


def test_mt940_balances_are_held_against_the_bookings():
    with pytest.raises(Unreadable) as refused:
        read(SWIFT.replace("EUR1493,75", "EUR1493,70").encode())
    assert refused.value.reason == "balances_differ"


GERMAN = Mapping(
    value_on="Valuta", credit="Haben", debit="Soll", text="Zweck", payer="Name", date_format="%d.%m.%Y", decimal=",",
    delimiter=";", skip=1,
)  # fmt: skip


def test_columns_by_name_with_a_comma_for_the_decimals():
    content = "Konto 1\nValuta;Soll;Haben;Zweck;Name\n23.06.2019;;1.498,75;Beitrag;Müller\n24.06.2019;-5,00;;x;y\n"
    found = read(content.encode("latin-1"), mapping=GERMAN, account="A", currency="EUR").lines
    assert [line.amount.minor for line in found] == [149875, -500]
    assert found[0].payer == "Müller"


def test_columns_by_place_with_a_sign_and_the_calendar_of_the_republic():
    mapping = Mapping(value_on="#1", amount="#2", sign="#3", payer="#4", date_format="roc")
    content = "1080623,15750,存入,宏達資訊\n108/06/24,900,支出,台灣電力\n".encode("big5")
    found = read(content, mapping=mapping, account="A", currency="TWD").lines
    assert [(line.value_on.isoformat(), line.amount.minor) for line in found] == [
        ("2019-06-23", 15750), ("2019-06-24", -900),
    ]  # fmt: skip
    assert found[0].payer == "宏達資訊"


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(Unreadable) as refused:
        read(b"a\nValuta;Soll\n", mapping=GERMAN, account="A", currency="EUR")
    assert (refused.value.reason, refused.value.detail) == ("column_missing", "Haben")


def test_two_equal_payments_are_two_and_the_same_in_every_file():
    twice = [entry(own="NOTPROVIDED"), entry(own="NOTPROVIDED")]
    keys = [line.line_key for line in read(camt(*twice)).lines]
    assert len(set(keys)) == 2
    longer = [line.line_key for line in read(camt(entry(amount="1.00", own="B9"), *twice)).lines]
    assert longer[1:] == keys


def test_what_is_no_bank_file_is_refused():
    for content, reason in ((b"%PDF-1.7", "form_unknown"), (b" ", "empty"), (b"<html></html>", "form_unknown")):
        with pytest.raises(Unreadable) as refused:
            read(content, mapping=GERMAN)
        assert refused.value.reason == reason


CARD, AMEX, DINERS = "4242 4242 4242 4242", "378282246310005", "3056-9309-0259-04"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (f"fee {CARD} thanks", "fee •••• •••• •••• •••• thanks"),
        (f"{AMEX}", "•" * 15),
        (f"card:{DINERS}.", "card:••••-••••-••••-••."),
        ("４２４２４２４２４２４２４２４２ 年費", "•••••••••••••••• 年費"),
        # One digit off the check digit, or no issuer's beginning: not a card.
        ("4242 4242 4242 4241", "4242 4242 4242 4241"),
        ("0099-01-118820-6", "0099-01-118820-6"),
        # What proves itself stays, however much of it would pass for a card.
        ("DE75 5121 0800 1245 1261 99", "DE75 5121 0800 1245 1261 99"),
        ("GB33BUKB20201555555555", "GB33BUKB20201555555555"),
        ("RF46 4242 4242 4242 4242", "RF46 4242 4242 4242 4242"),
        ("RF94 2019 0004 18 for O-2019-000418", "RF94 2019 0004 18 for O-2019-000418"),
        (f"RF94 2019 0004 18 {CARD}", "RF94 2019 0004 18 •••• •••• •••• ••••"),
        (f"RF46 4242 4242 4242 4242 and RF46 4242 4242 4242 4242, {CARD}",
         "RF46 4242 4242 4242 4242 and RF46 4242 4242 4242 4242, •••• •••• •••• ••••"),
        # Two letters and two digits before it save no card.
        (f"AB12 {CARD}", "AB12 •••• •••• •••• ••••"),
    ],
)  # fmt: skip
def test_numbers_of_cards_are_made_unreadable_and_nothing_else(written, kept):
    assert blotted(written) == kept


def test_every_text_of_a_line_is_cleaned_before_its_key_is_made():
    day = date(2019, 6, 23)
    texts = {name: f"{name} {CARD}" for name in ("reference", "text", "payer", "end_to_end")}
    dirty = StatementLine(1, "0099", day, day, Money(9, "TWD"), payer_account="4242424242424242", **texts)
    clean = {name: f"{name} •••• •••• •••• ••••" for name in texts}
    plain = StatementLine(1, "0099", day, day, Money(9, "TWD"), **clean)
    assert finished("CSV", [dirty]).lines == finished("CSV", [plain]).lines


def test_what_could_not_be_read_is_told_without_a_card():
    assert "4242" not in Unreadable("no_amount", 3, f"paid by {CARD}").detail
