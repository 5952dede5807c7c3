"""The facts: every field of the table there, in order, sealed by a hash, and a stranger's program agrees with them."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from tenure.billing.ledger import Account
from tenure.billing.rules import WithholdingStatus
from tenure.cli import main
from tenure.memberships.rules import Status, TermKind
from tenure.partners.rules import ManagedIn, Standing
from tenure.payments.rules import AttemptStatus, Method, RefundKind, RefundStatus
from tenure.plumbing.models import Mail
from tenure.programme.rules import Anchor, OfferKind, TermLength
from tenure.proof import facts
from tenure.proof.seals import ZERO, merkle_root, row_hash
from tenure.purchases.rules import OrderStatus, Origin, Purpose
from tenure.support.rules import Action, Outcome, RequestStatus
from tests.actions.conftest import KEYS, plant
from tests.contracts.recheck import ORDER, recheck

# facts.md by type. What follows the bar are fields added since.
FIELDS = {
    "policy": "id programme version valid_from valid_to opens_offset_days window_days anchor term_length refund_days "
    "order_expiry_days retry_days reminder_days benefits_in_window signature | last_call_day card_notice_days transfer_tolerance "
    "refund_limit",
    "partner": "id number country status verified_at managed_in created_at",
    "offer": "id code kind family version valid_from valid_to",
    "price": "id offer country currency net valid_from valid_to",
    "subscription": "id partner offer anchor_on auto_renew auto_renew_off_at auto_renew_off_by status cancelled_at "
    "created_at | cancelled_on superseded_at held_until",
    "term": "id subscription n starts_on expires_on order policy kind opened_at revoked_at | partner renewal_opens_on "
    "renewal_closes_on offer_version",
    "order": "id number partner purpose offer offer_version subscription term method currency net discount tax total "
    "status placed_at placed_by expires_on paid_at closed_at terms_version idempotency_key_hash | origin price policy "
    "renews placed_on refunded_at tax_rate_bp tax_category country recipient_hash",
    "attempt": "id order n gateway gateway_key gateway_ref amount currency status decline_kind committed_at called_at "
    "resolved_at resolved_by | off_session partner",
    "payment": "id order attempt method amount currency received_at value_on gateway_ref bank_line | partner",
    "refund": "id payment amount currency status gateway_ref requested_by approved_by reason request made_at "
    "| promised_at",
    "dispute": "id payment amount currency status gateway_ref opened_at closed_at | gateway reason",
    "bank_line": "id statement account line_key value_on booked_on amount currency reference matched_order matched_by "
    "held_for_partner state",
    "invoice": "id kind series number year issued_on issued_at partner order payment refund amends currency net tax "
    "total language pdf_sha256 xml_sha256 | running recipient_hash",
    "invoice_line": "id invoice n net tax_rate_bp tax_category tax total | period_first period_last",
    "posting": "id transaction cause_type cause_id kind account currency amount posted_at row_hash previous_hash",
    "balance": "account currency amount",
    "grant": "id term benefit kind quantity used activate_by ends_on state granted_at revoked_at | partner",
    "key": "id grant pool revealed_at revealed_by activated_at replaced_by",
    "usage": "id grant quantity at by released_at",
    "request": "id number partner problem_type subscription status action opened_at closed_at decided_by approved_by "
    "| outcome refund opened_by",
    "due": "id subscription term action due_on state reason done_at",
    "delivery": "id event endpoint recipient_hash channel state attempts first_at last_at | code due partner reason",
    "event": "id name partner subject seq actor occurred_at cause",
    "audit": "id actor on_behalf_of partner object verb before_hash after_hash request at seal | leaf_hash",
    "account": "id role currency",
    "series": "id issuer issuer_zone kind year last",
    "auto_renew": "id subscription on at by cause",
    "attempt_status": "id attempt status at cause",
    "fee": "id gateway amount currency at gateway_ref",
    "allocation": "id bank_line order partner amount currency at by",
    "approval": "id object by at limit_in_force | currency",
    "override": "id object kind reason by at until",
    "task": "id kind object opened_at closed_at",
    "offer_benefit": "id offer offer_version benefit kind quantity",
    "seal": "id chain n first_id last_id root previous hash sealed_at",
    "month": "id recognised_at closed_at closed_by",
    "withholding": "id partner order amount currency status tax_year counts_for submitted_at submitted_by decided_at "
    "decided_by settled_at returned_at",
}
ADDED = ["offer_benefit", "seal", "month", "withholding"]


@pytest.fixture
def lines(book) -> list[bytes]:
    return list(facts.lines())


def rows(lines: list[bytes]) -> list[dict]:
    return [json.loads(line) for line in lines[1:-1]]


def test_every_row_has_every_field_of_its_type(lines):
    seen = {}
    for row in rows(lines):
        kind = row.pop("type")
        seen[kind] = seen.get(kind, 0) + 1
        assert list(row) == FIELDS[kind].replace("| ", "").split(), kind
    assert seen.keys() == FIELDS.keys()


def test_the_first_line_says_whose_and_when(lines, book):
    head = json.loads(lines[0])
    assert list(head) == ["type", "format", "at", "instance", "zone"]
    assert (head["type"], head["format"], head["zone"]) == ("facts", 1, "Asia/Taipei")
    assert head["at"] == "2019-08-20T04:00:00.000000Z" and len(head["instance"]) == 36


def test_types_stand_in_the_order_of_the_table_and_ids_in_that_of_code_points(lines):
    kinds = list(dict.fromkeys(row["type"] for row in rows(lines)))
    assert kinds == [kind for kind in ORDER if kind in FIELDS] + ADDED
    for kind in kinds:
        of = [row for row in rows(lines) if row["type"] == kind]
        keys = [(row["account"], row["currency"]) if kind == "balance" else row["id"] for row in of]
        assert keys == sorted(set(keys)), kind


def test_the_last_line_counts_and_seals_all_before_it(lines):
    end = json.loads(lines[-1])
    assert end == {
        "type": "end",
        "rows": len(lines) - 2,
        "sha256": hashlib.sha256(b"".join(lines[:-1])).hexdigest(),
    }


def test_the_same_book_is_told_in_the_same_bytes(lines):
    assert list(facts.lines()) == lines


def test_nobody_is_named(lines):
    told = b"".join(lines).decode()
    people = "Ming Chen|Fay Kuo|Contoso|Northwind|@contoso|@fabrikam|2712 3456|Xinyi|04595257|no longer need".split("|")
    assert [word for word in [*people, *KEYS, *Mail.objects.values_list("address", flat=True)] if word in told] == []


def test_derived_states_are_those_of_the_day(lines):
    found = {row["type"]: {} for row in rows(lines)}
    for row in rows(lines):
        found[row["type"]].setdefault(row.get("status") or row.get("state"), []).append(row)
    assert found["subscription"].keys() == {"active", "cancelled", "lapsed"}
    assert found["order"].keys() == {"paid", "refunded", "expired", "cancelled"}
    assert found["grant"].keys() == {"active", "revoked", "ended"}
    assert found["bank_line"].keys() == {"matched", "held"}
    assert found["partner"].keys() == {"authorised"}


def test_what_is_not_sealed_yet_has_no_hash(book):
    plant("DELETE FROM plumbing_seal WHERE n > 1")
    postings = [row for row in rows(list(facts.lines())) if row["type"] == "posting"]
    sealed = [row for row in postings if row["row_hash"]]
    assert 0 < len(sealed) < len(postings)
    assert all(row["previous_hash"] is None for row in postings if row["row_hash"] is None)


def test_the_command_prints_the_lines(lines, capfdbinary):
    assert main.main(["facts", "--ndjson"]) == 0
    assert capfdbinary.readouterr().out == b"".join(lines)


# The page that explains them

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "facts.md").read_text("utf-8")
CLOSED = {
    "policy.anchor": Anchor,
    "policy.term_length": TermLength,
    "partner.status": Standing,
    "partner.managed_in": ManagedIn,
    "offer.kind": OfferKind,
    "subscription.status": Status,
    "term.kind": TermKind,
    "order.purpose": Purpose,
    "order.origin": Origin,
    "order.method": Method,
    "order.status": OrderStatus,
    "attempt.status": AttemptStatus,
    "refund.status": RefundStatus,
    "refund.reason": RefundKind,
    "posting.account": Account,
    "request.status": RequestStatus,
    "request.action": [action for action in Action if action],
    "request.outcome": Outcome,
    "withholding.status": WithholdingStatus,
}


def test_the_page_lists_the_fields_of_every_type():
    listed = dict(re.findall(r"^\| `(\w+)` \| (id.*|account.*) \|$", PAGE, re.M))
    for kind in ("gateway_event", "payout"):
        listed.pop(kind)
    assert {kind: listed[kind].replace(",", "").replace("∣", "|") for kind in listed} == FIELDS


@pytest.mark.parametrize("field", CLOSED)
def test_the_page_closes_each_list_of_words(field):
    (words,) = re.findall(rf"^\| `{re.escape(field)}`[^|]* \| (.*) \|$", PAGE, re.M)
    assert sorted(words.split(", ")) == sorted(map(str, CLOSED[field]))


def test_the_pages_worked_example_comes_out():
    first, second = (json.loads(line) for line in re.findall(r'^\{"account.*\}$', PAGE, re.M))
    previous = first.pop("previous_hash")
    assert row_hash(first, previous) == second.pop("previous_hash")
    assert row_hash(second, row_hash(first, previous)) in PAGE
    leaves = [hashlib.sha256(letter).digest() for letter in (b"a", b"b", b"c")]
    root = merkle_root(leaves)
    assert all(leaf.hex() in PAGE for leaf in leaves) and root in PAGE
    assert hashlib.sha256((ZERO + root).encode()).hexdigest() in PAGE


# A stranger's program


def test_a_stranger_finds_a_lived_year_clean(lines):
    assert recheck(lines) == []


def spoilt(lines: list[bytes], kind: str, change, chosen=lambda row: True) -> list[bytes]:
    """The book with one row changed (or taken out, when nothing is left), and the last line made to fit again."""
    out, done = [], False
    for line in lines[:-1]:
        row = json.loads(line)
        if row["type"] == kind and not done and chosen(row):
            done, row = True, change(row)
            if row is not None:
                out.append(json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
        else:
            out.append(line)
    assert done, f"no {kind} to spoil"
    digest = hashlib.sha256(b"".join(out)).hexdigest()
    return [*out, json.dumps({"type": "end", "rows": len(out) - 1, "sha256": digest}).encode() + b"\n"]


def put(**fields):
    return lambda row: row | fields


def more(name, by=1):
    return lambda row: row | {name: row[name] + by}


def gone(row):
    return None


def as_before(name):
    """Give the second row the first one's value."""
    seen = []
    return (lambda row: row | {name: seen[0]}), (lambda row: bool(seen) or seen.append(row[name]))


def a_second(name):
    """The first row that says what one before it has said."""
    seen = set()
    return lambda row: row[name] in seen or seen.add(row[name])


FAULTS = {
    "a posting gone": ("I-1", "posting", gone),
    "a posting changed": ("I-2", "posting", put(posted_at="2018-06-22T04:00:01.000000Z")),
    "a seal forged": ("I-2", "seal", put(hash="0" * 64), lambda row: row["chain"] == "postings"),
    "an event rewritten": ("I-43", "audit", put(leaf_hash="0" * 64)),
    "a balance nobody reckoned": ("I-3", "balance", more("amount")),
    "money owed by nobody": ("I-4", "refund", put(status="new"), lambda row: row["reason"] == "full"),
    "too much given back": ("I-7", "refund", more("amount", 10**9)),
    "a posting without its cause": ("I-8", "bank_line", more("amount")),
    # Of an order that nothing was credited of: there what is still deferred may be less.
    "a term that earns more slowly": (
        "I-8",
        "invoice_line",
        put(period_last="2029-01-01"),
        lambda row: row["net"] > 0 and (row["period_first"] or "") > "2019",
    ),
    "a month nobody recognised": ("I-8", "month", gone),
    "tax that no certificate shows": ("I-8", "withholding", more("amount")),
    "a certificate that pays no order": ("I-10", "withholding", put(counts_for=None)),
    "a certificate taken back by nobody": ("I-4", "withholding", put(returned_at="2018-08-01T00:00:00.000000Z")),
    "tax rounded otherwise": ("I-9", "invoice_line", more("tax")),
    "a price of no list": ("I-10", "order", put(price="none"), lambda row: row["paid_at"]),
    "an order paid twice": ("I-11", "payment", *as_before("order")),
    "a try too early": ("I-13", "attempt", put(committed_at="2001-01-01T00:00:00.000000Z"), lambda row: row["n"] == 2),
    "a move that does not exist": ("I-16", "attempt_status", put(status="succeeded")),
    "an unpaid order that owns a term": ("I-18", "order", put(paid_at=None), lambda row: row["term"]),
    "a number missing": ("I-19", "series", more("last")),
    "a document before its time": (
        "I-20",
        "invoice",
        put(issued_at="2018-01-01T04:00:00.000000Z"),
        lambda row: row["running"] > 1,
    ),
    "a payment without an invoice": ("I-22", "invoice", put(payment="0"), lambda row: row["kind"] == "invoice"),
    "a document of another day": ("I-23", "invoice", put(issued_on="2018-01-01")),
    "another buyer": ("I-24", "invoice", put(recipient_hash="0" * 64)),
    "a window too long": ("I-25", "term", put(renewal_closes_on="2029-01-01")),
    "a gap between terms": ("I-26", "term", put(starts_on="2019-06-25"), lambda row: row["n"] == 2),
    "an anniversary missed": ("I-27", "term", put(expires_on="2020-06-23"), lambda row: row["n"] == 2),
    "auto-renew on by hand": ("I-28", "auto_renew", put(cause="by_hand")),
    "a charge while it was off": (
        "I-29",
        "attempt",
        put(committed_at="2018-06-20T00:00:00.000000Z"),
        lambda row: row["off_session"],
    ),
    "benefits for nothing": ("I-33", "grant", put(state="active"), lambda row: row["state"] == "revoked"),
    "a key not counted": ("I-34", "grant", more("used"), lambda row: row["kind"] == "keys"),
    "an incident not counted": ("I-35", "grant", more("used"), lambda row: row["kind"] == "incidents"),
    "more than was promised": ("I-37", "grant", more("quantity")),
    "a deed without its event": ("I-42", "event", put(name="orders.lost"), lambda row: row["name"] == "orders.paid"),
    "a single approval": ("I-48", "approval", gone, a_second("object")),
    "an instant yet to come": ("form", "partner", put(created_at="2099-01-01T00:00:00.000000Z")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_stranger_finds_what_was_changed(lines, fault):
    promise, *where = FAULTS[fault]
    assert promise in {found for found, _, _ in recheck(spoilt(lines, *where))}


def test_a_stranger_notices_a_line_changed_under_the_seal(lines):
    lines[5] = lines[5].replace(b'"type"', b'"type" ')
    assert [(promise, thing) for promise, thing, _ in recheck(lines)] == [("form", "end")]
    lines.insert(3, lines.pop(4))
    assert ("form", "end") in [(promise, thing) for promise, thing, _ in recheck(lines)]
