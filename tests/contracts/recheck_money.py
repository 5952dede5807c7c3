"""The stranger's checker, the money: books, causes, taxes, prices and charges worked out again.

Shares no code with Tenure. Read next: ``recheck.py``, which reads the lines and holds the rest.
"""

import hashlib
import json
from collections import Counter
from datetime import date, timedelta

MOVES = {
    "new": {"calling", "cancelled"},
    "calling": {"needs_action", "unknown", "succeeded", "declined", "cancelled"},
    "needs_action": {"unknown", "succeeded", "declined", "cancelled"},
    "unknown": {"needs_action", "succeeded", "declined", "cancelled"},
}
ZERO = "0" * 64


def number(row):
    return int(row["id"])


def ledger(book, faults):
    for transaction, entries in book.grouped("posting", "transaction").items():
        sums = Counter()
        for entry in entries:
            sums[entry["currency"]] += entry["amount"]
            if entry["amount"] == 0 or abs(entry["amount"]) > 10**12:
                faults.add("I-6", f"posting:{entry['id']}", amount=entry["amount"])
            if book.one("account", entry["account"]) is None:
                faults.add("I-6", f"posting:{entry['id']}", account=entry["account"])
        if len(entries) < 2 or any(sums.values()):
            faults.add("I-1", f"transaction:{transaction}", sums=dict(sums))
    summed = Counter()
    for entry in book.all("posting"):
        summed[entry["account"], entry["currency"]] += entry["amount"]
    said = {(row["account"], row["currency"]): row["amount"] for row in book.all("balance")}
    for key in summed.keys() | said.keys():
        if summed[key] != said.get(key):
            faults.add("I-3", f"balance:{key}", summed=summed[key], said=said.get(key))


def canonical(row):
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chain(book, faults):
    """The posting chain from sixty-four zeros, met by every seal; the audit batches by their Merkle roots."""
    previous, hashes = ZERO, {}
    for row in sorted(book.all("posting"), key=number):
        if row["row_hash"] is None:
            continue
        bare = {name: value for name, value in row.items() if name != "row_hash"}
        digest = hashlib.sha256(canonical(bare)).hexdigest()
        if row["previous_hash"] != previous or row["row_hash"] != digest:
            faults.add("I-2", f"posting:{row['id']}", recomputed=digest)
        previous = hashes[row["id"]] = row["row_hash"]
    leaves = sorted((number(row), row["leaf_hash"], row["seal"]) for row in book.all("audit"))
    for name, promise in (("postings", "I-2"), ("events", "I-43")):
        before = ZERO
        for seal in sorted((row for row in book.all("seal") if row["chain"] == name), key=lambda row: row["n"]):
            if name == "postings":
                root = digest = hashes.get(seal["last_id"])
            else:
                root = merkle([leaf for _, leaf, batch in leaves if batch == seal["id"]])
                digest = hashlib.sha256((before + root).encode()).hexdigest()
            if (seal["previous"], seal["root"], seal["hash"]) != (before, root, digest):
                faults.add(promise, f"seal:{seal['id']}", recomputed=digest)
            before = seal["hash"]


def merkle(leaves):
    level = [bytes.fromhex(leaf) for leaf in leaves]
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [hashlib.sha256(b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0].hex() if level else ""


def late(book):
    return {refund["payment"] for refund in book.all("refund") if refund["reason"] == "late_capture"}


def causes(book, faults):
    """What each cause must have posted, and what an order still owes."""
    expected, late_payments = Counter(), late(book)

    def wants(cause, kind, currency, **amounts):
        for account, amount in amounts.items():
            expected[cause[0], cause[1], kind, account, currency] += amount

    for row in book.all("invoice"):
        kind = "issued" if row["kind"] == "invoice" else "credited"
        amounts = {"receivable": row["total"], "deferred_revenue": -row["net"], "tax": -row["tax"]}
        wants(("invoice", row["id"]), kind, row["currency"], **amounts)
    given = Counter()
    for row in book.all("allocation"):
        given[row["order"]] += row["amount"]
    for row in book.all("payment"):
        too_late = row["id"] in late_payments
        source = "gateway_clearing" if row["method"] == "card" else "held"
        wants(("payment", row["id"]), "late" if too_late else "received", row["currency"], **{source: row["amount"]})
        against = "held" if too_late else "receivable"
        wants(("payment", row["id"]), "late" if too_late else "received", row["currency"], **{against: -row["amount"]})
        short = row["amount"] - given[row["order"]] if row["method"] == "bank_transfer" else 0
        if short > 0:
            wants(("payment", row["id"]), "short", row["currency"], rounding=short, held=-short)
    for row in book.all("refund"):
        if row["status"] == "succeeded":
            card = book.one("payment", row["payment"])["method"] == "card"
            against = "held" if row["reason"] == "late_capture" else "receivable"
            amounts = {against: row["amount"], "gateway_clearing" if card else "bank": -row["amount"]}
            wants(("refund", row["id"]), "made", row["currency"], **amounts)
    disputed(book, wants)
    withheld(book, wants)
    for row in book.all("bank_line"):
        wants(("bank_line", row["id"]), "booked", row["currency"], bank=row["amount"], suspense=-row["amount"])
    for row in book.all("fee"):
        wants(("movement", row["id"]), "fee", row["currency"], fees=row["amount"], gateway_clearing=-row["amount"])
    for row in book.all("payout"):
        amounts = {"in_transit": row["amount"], "gateway_clearing": -row["amount"]}
        wants(("payout", row["id"]), "sent", row["currency"], **amounts)
    posted = posted_by_cause(book)
    for key in expected.keys() | posted.keys():
        if expected[key] != posted[key]:
            faults.add("I-8", f"{key[0]}:{key[1]}", account=key[3], expected=expected[key], posted=posted[key])


def disputed(book, wants):
    """Taken back by a bank for now, and then for good or not."""
    for row in book.all("dispute"):
        cause, money = ("dispute", row["id"]), row["amount"]
        wants(cause, "opened", row["currency"], disputes=money, gateway_clearing=-money)
        if row["status"] == "won":
            wants(cause, "won", row["currency"], gateway_clearing=money, disputes=-money)
        if row["status"] == "lost":
            against = "receivable" if credited_without_refund(book, row["payment"]) else "refunds"
            wants(cause, "lost", row["currency"], disputes=-money, **{against: money})


def withheld(book, wants):
    """Certified tax is held like money, meets the order's invoice when it is paid, and goes with a refunded sale."""
    for row in book.all("withholding"):
        cause, amount = ("withholding", row["id"]), row["amount"]
        if row["status"] == "accepted":
            wants(cause, "certified", row["currency"], withholding=amount, held=-amount)
        if row["settled_at"]:
            wants(cause, "settled", row["currency"], held=amount, receivable=-amount)
        if row["returned_at"]:
            wants(cause, "returned", row["currency"], receivable=amount, withholding=-amount)


def certified(book):
    """What certificates pay of each order."""
    return {row["counts_for"]: row["amount"] for row in book.all("withholding") if row["counts_for"]}


def credited_without_refund(book, payment):
    """A bank's decision took the sale back: a credit note that no refund of ours asked for."""
    notes = (row for row in book.all("invoice") if row["kind"] == "credit_note" and row["refund"] is None)
    return any(row["payment"] == payment for row in notes)


def posted_by_cause(book):
    """What was posted, but for matched transfers, arrived payouts and recognised months, worked out elsewhere."""
    posted = Counter()
    for row in book.all("posting"):
        account = row["account"]
        if row["kind"] == "credited" and account == "refunds":
            # What was earned already is given back out of another account; both together are the note's net.
            account = "deferred_revenue"
        elsewhere = row["kind"] == "payout" or row["kind"].startswith("recognised:")
        if row["cause_type"] != "allocation" and not elsewhere:
            posted[row["cause_type"], row["cause_id"], row["kind"], account, row["currency"]] += row["amount"]
    return posted


def owed(book, faults):
    balance, late_payments = Counter(), late(book)
    for row in book.all("invoice"):
        balance[row["order"]] += row["total"]
    for row in book.all("payment"):
        if row["id"] not in late_payments:
            balance[row["order"]] -= row["amount"]
    for row in book.all("refund"):
        if row["status"] == "succeeded" and row["reason"] != "late_capture":
            balance[book.one("payment", row["payment"])["order"]] += row["amount"]
    for row in book.all("withholding"):
        if row["settled_at"] and not row["returned_at"]:
            balance[row["counts_for"]] -= row["amount"]
    for row in book.all("dispute"):
        if row["status"] == "lost" and credited_without_refund(book, row["payment"]):
            balance[book.one("payment", row["payment"])["order"]] += row["amount"]
    for order, amount in balance.items():
        if amount:
            faults.add("I-4", f"order:{order}", owed=amount)


def earned(book, faults):
    """What is still deferred of each order is what its lines have still to earn after the last month recognised."""
    months = sorted(row["id"] for row in book.all("month") if row["recognised_at"])
    through = date.fromisoformat(f"{months[-1]}-28") + timedelta(days=4) if months else None
    through = through and through - timedelta(days=through.day)
    order_of = {row["id"]: row["order"] for row in book.all("invoice")}
    issued = {row["order"]: row["issued_on"] for row in book.all("invoice") if row["kind"] == "invoice"}
    notes = {row["order"] for row in book.all("invoice") if row["kind"] == "credit_note" and row["net"]}
    still, deferred = Counter(), Counter()
    for line in book.all("invoice_line"):
        order = order_of[line["invoice"]]
        done = through is not None and issued[order] <= through.isoformat()
        still[order] += line["net"] - (done and days_earned(line, through))
    for row in book.all("posting"):
        if row["account"] == "deferred_revenue":
            deferred[order_of[row["cause_id"]]] -= row["amount"]
        if row["kind"].startswith("recognised:") and row["kind"][11:] not in months:
            faults.add("I-8", f"posting:{row['id']}", kind=row["kind"])
    for order in still.keys() | deferred.keys():
        less = order in notes and 0 <= deferred[order] < still[order]
        if deferred[order] != still[order] and not less:
            faults.add("I-8", f"order:{order}", deferred=deferred[order], still=still[order])


def days_earned(line, through):
    if line["period_first"] is None:
        return line["net"]
    first, last = date.fromisoformat(line["period_first"]), date.fromisoformat(line["period_last"])
    days = (last - first).days + 1
    whole = abs(line["net"]) * min(max((through - first).days + 1, 0), days) // days
    return whole if line["net"] >= 0 else -whole


def share(net, rate_bp):
    whole, rest = divmod(net * rate_bp, 10000)
    return whole + (rest > 5000 or (rest == 5000 and whole % 2))


def taxes(book, faults):
    lines = book.grouped("invoice_line", "invoice")
    for row in [*book.all("invoice_line"), *book.all("order")]:
        if row["tax"] != share(row["net"], row["tax_rate_bp"]) or row["total"] != row["net"] + row["tax"]:
            faults.add("I-9", f"{row['type']}:{row['id']}", tax=row["tax"])
    for row in book.all("invoice"):
        for name in ("net", "tax", "total"):
            if row[name] != sum(line[name] for line in lines[row["id"]]):
                faults.add("I-9", f"invoice:{row['id']}", field=name)


def prices(book, faults):
    for row in book.all("order"):
        price = book.one("price", row["price"])
        sound = price is not None and (price["net"], price["currency"]) == (
            row["net"] + row["discount"],
            row["currency"],
        )
        sound = sound and price["offer"] == row["offer"] and price["country"] in (None, row["country"])
        sound = sound and price["valid_from"] <= row["placed_on"] <= (price["valid_to"] or "9999-12-31")
        if not sound:
            faults.add("I-10", f"order:{row['id']}", price=row["price"])
    kept_back = certified(book)
    for kind in ("attempt", "payment"):
        for row in book.all(kind):
            by_certificate = kept_back.get(row["order"], 0) if kind == "payment" else 0
            if row["amount"] + by_certificate != book.one("order", row["order"])["total"]:
                faults.add("I-10", f"{kind}:{row['id']}", amount=row["amount"])


def charging(book, faults):
    back = Counter()
    for row in book.all("refund"):
        back[row["payment"]] += row["amount"] if row["status"] != "refused" else 0
    kept, per_order = Counter(), Counter(row["order"] for row in book.all("payment"))
    for row in book.all("payment"):
        if back[row["id"]] > row["amount"]:
            faults.add("I-7", f"payment:{row['id']}", back=back[row["id"]])
        order = book.one("order", row["order"])
        if order["renews"] and back[row["id"]] < row["amount"]:
            kept[order["renews"]] += 1
    for name, counts in (("order", per_order), ("term", kept)):
        for id, n in counts.items():
            if n > 1:
                faults.add("I-11", f"{name}:{id}", payments=n)


def attempts(book, faults):
    for order, tries in book.grouped("attempt", "order").items():
        before = None
        for n, row in enumerate(sorted(tries, key=lambda row: row["n"]), 1):
            known = before is None or (
                before["status"] in ("declined", "cancelled") and before["resolved_at"] <= row["committed_at"]
            )
            if row["n"] != n or not known:
                faults.add("I-13", f"attempt:{row['id']}", order=order)
            before = row
    for attempt, history in book.grouped("attempt_status", "attempt").items():
        path = [row["status"] for row in sorted(history, key=number)]
        edges = all(after in MOVES.get(before, ()) for before, after in zip(path, path[1:], strict=False))
        if path[0] != "new" or not edges or path[-1] != book.one("attempt", attempt)["status"]:
            faults.add("I-16", f"attempt:{attempt}", history=path)
    paid = {row["order"] for row in book.all("invoice")} | {row["order"] for row in book.all("term")}
    for row in book.all("order"):
        if row["paid_at"] is None and row["id"] in paid:
            faults.add("I-18", f"order:{row['id']}", status=row["status"])
