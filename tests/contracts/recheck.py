"""A stranger's checker: reads ``tenure facts --ndjson`` and works the promises out again.

It shares no code with Tenure and needs only Python: whoever mistrusts the product reads ``docs/facts.md``, then this.
Usage, from the checkout: ``python -m tests.contracts.recheck FILE`` (or standard input). Exit status 0 when nothing is
wrong, else 1.
"""

import hashlib
import json
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.contracts.recheck_money import (
    attempts,
    causes,
    chain,
    charging,
    earned,
    late,
    ledger,
    number,
    owed,
    prices,
    taxes,
)

ORDER = (
    "policy partner offer price subscription term order attempt payment refund dispute bank_line invoice invoice_line "
    "posting balance grant key usage seat attainment request due delivery event audit account series auto_renew "
    "attempt_status gateway_event payout fee allocation approval override task"
).split()
MAY_BE_LATER = {"due_on", "expires_on", "ends_on", "activate_by", "until", "held_until"}


class Faults(list):
    def add(self, promise, thing, **facts):
        self.append((promise, thing, facts))


def recheck(lines):
    """All faults of a book given as lines of bytes: (promise, object, facts)."""
    faults, rows = Faults(), defaultdict(list)
    head = envelope(lines, rows, faults)
    if head is None:
        return faults
    book = Book(head, rows)
    for check in CHECKS:
        try:
            check(book, faults)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            faults.add("form", check.__name__, error=repr(error))
    return faults


class Book:
    def __init__(self, head, rows):
        self.at, self.zone, self.rows = head["at"], ZoneInfo(head["zone"]), rows
        self.today = self.day(head["at"])
        self.by = {kind: {row["id"]: row for row in found if "id" in row} for kind, found in rows.items()}

    def all(self, kind):
        return self.rows.get(kind, [])

    def one(self, kind, id):
        return self.by.get(kind, {}).get(id)

    def day(self, instant):
        return datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(self.zone).date()

    def grouped(self, kind, field):
        groups = defaultdict(list)
        for row in self.all(kind):
            groups[row[field]].append(row)
        return groups


def envelope(lines, rows, faults):
    """The form: first and last line, order of types and ids, the hash over all bytes before the end."""
    digest, head, end, before, last = hashlib.sha256(), None, None, -1, None
    for raw in lines:
        row = json.loads(raw)
        if head is None:
            head = row
            if row.get("type") != "facts" or row.get("format") != 1:
                faults.add("form", "header", row=row)
                return None
        elif row["type"] == "end":
            end = row
            break
        else:
            kind = row["type"]
            # Types added since stand after those this checker knows.
            place = ORDER.index(kind) if kind in ORDER else len(ORDER)
            if place < before:
                faults.add("form", kind, out_of_order=True)
            key = (row["account"], row["currency"]) if kind == "balance" else row["id"]
            if last and last[0] == kind and key <= last[1]:
                faults.add("form", f"{kind}:{key}", out_of_order=True)
            before, last = max(place, before), (kind, key)
            rows[kind].append(row)
            for name, value in row.items():
                late = isinstance(value, str) and name.endswith("_at") and value > head["at"]
                if late and name not in MAY_BE_LATER:
                    faults.add("form", f"{kind}:{key}", later_than_at=name)
        digest.update(raw)
    told = sum(map(len, rows.values()))
    if end is None or end["rows"] != told or end["sha256"] != digest.hexdigest():
        faults.add("form", "end", told=end, rows=told, sha256=digest.hexdigest())
    return head


def documents(book, faults):
    for id, found in book.grouped("invoice", "series").items():
        series, runs = book.one("series", id), sorted(found, key=lambda row: row["running"])
        if [row["running"] for row in runs] != list(range(1, series["last"] + 1)):
            faults.add("I-19", f"series:{id}", last=series["last"], numbers=len(runs))
        for before, after in zip(runs, runs[1:], strict=False):
            if after["issued_at"] < before["issued_at"]:
                faults.add("I-20", f"invoice:{after['id']}", issued_at=after["issued_at"])
        for row in runs:
            day = datetime.fromisoformat(row["issued_at"].replace("Z", "+00:00"))
            day = day.astimezone(ZoneInfo(series["issuer_zone"])).date()
            if row["issued_on"] != day.isoformat() or row["year"] != day.year or series["year"] != day.year:
                faults.add("I-23", f"invoice:{row['id']}", issued_on=row["issued_on"])
            if row["recipient_hash"] != book.one("order", row["order"])["recipient_hash"]:
                faults.add("I-24", f"invoice:{row['id']}", order=row["order"])
    invoices = Counter(row["payment"] for row in book.all("invoice") if row["kind"] == "invoice")
    notes = Counter(row["refund"] for row in book.all("invoice") if row["kind"] == "credit_note" and row["amends"])
    for row in book.all("payment"):
        if invoices[row["id"]] != (row["id"] not in late(book)):
            faults.add("I-22", f"payment:{row['id']}", invoices=invoices[row["id"]])
    for row in book.all("refund"):
        if row["status"] == "succeeded" and notes[row["id"]] != (row["reason"] != "late_capture"):
            faults.add("I-22", f"refund:{row['id']}", credit_notes=notes[row["id"]])


def year_later(anchor, years):
    try:
        return anchor.replace(year=anchor.year + years)
    except ValueError:
        return anchor.replace(year=anchor.year + years, day=28)


def terms(book, faults):
    payments = {row["order"]: row for row in book.all("payment")}
    for id, found in book.grouped("term", "subscription").items():
        before, anchor = None, None
        for n, row in enumerate(sorted(found, key=lambda row: row["n"]), 1):
            policy = book.one("policy", row["policy"])
            starts, ends = date.fromisoformat(row["starts_on"]), date.fromisoformat(row["expires_on"])
            opens = ends + timedelta(days=policy["opens_offset_days"])
            closes = opens + timedelta(days=policy["window_days"] - 1)
            if (row["renewal_opens_on"], row["renewal_closes_on"]) != (str(opens), str(closes)):
                faults.add("I-25", f"term:{row['id']}", opens=str(opens), closes=str(closes))
            begin = before + timedelta(days=1) if before else starts
            if policy["anchor"] == "payment_date" and before:
                begin = max(begin, date.fromisoformat(payments[row["order"]]["value_on"]))
                anchor = begin
            if before is None and row["order"]:
                begin = anchor = date.fromisoformat(payments[row["order"]]["value_on"])
            if row["n"] != n or starts != begin or ends < starts:
                faults.add("I-26", f"term:{row['id']}", starts_on=str(starts), expected=str(begin))
            anchor = anchor or date.fromisoformat(book.one("subscription", id)["anchor_on"])
            years = range(1, ends.year - anchor.year + 2)
            days = policy["term_length"] == "365_days"
            sound = (ends - anchor).days % 365 == 0 if days else ends in [year_later(anchor, each) for each in years]
            if not sound:
                faults.add("I-27", f"term:{row['id']}", expires_on=str(ends), anchor=str(anchor))
            before = ends
    for row in book.all("order"):
        term = book.one("term", row["renews"])
        if term and not term["renewal_opens_on"] <= row["placed_on"] <= term["renewal_closes_on"]:
            faults.add("I-25", f"order:{row['id']}", placed_on=row["placed_on"])


def auto_renew(book, faults):
    paid = {(row["subscription"], row["paid_at"]) for row in book.all("order")}
    histories = book.grouped("auto_renew", "subscription")
    for row in book.all("subscription"):
        state = False
        for change in sorted(histories[row["id"]], key=number):
            lawful = not change["on"] or (
                change["cause"] in ("purchase", "renewal") and (row["id"], change["at"]) in paid
            )
            if change["on"] == state or not lawful:
                faults.add("I-28", f"auto_renew:{change['id']}", cause=change["cause"])
            state = change["on"]
        if state != row["auto_renew"]:
            faults.add("I-28", f"subscription:{row['id']}", history=state)
    for row in book.all("attempt"):
        if row["off_session"]:
            history = sorted(histories[book.one("order", row["order"])["subscription"]], key=number)
            earlier = [change["on"] for change in history if change["at"] < row["committed_at"]]
            at_once = [change["on"] for change in history if change["at"] == row["committed_at"]]
            if not (earlier and earlier[-1]) and True not in at_once:
                faults.add("I-29", f"attempt:{row['id']}", committed_at=row["committed_at"])
    for (term, action), n in Counter((row["term"], row["action"]) for row in book.all("due")).items():
        if n > 1:
            faults.add("I-30", f"term:{term}", action=action, times=n)


def benefits(book, faults):
    promised = defaultdict(dict)
    for row in book.all("offer_benefit"):
        promised[row["offer"], row["offer_version"]][row["benefit"]] = row["kind"], row["quantity"]
    taken, keys = Counter(), Counter(row["grant"] for row in book.all("key") if row["grant"])
    for row in book.all("usage"):
        taken[row["grant"]] += row["quantity"]
    newest = {id: max(row["n"] for row in found) for id, found in book.grouped("term", "subscription").items()}
    refunded = {row["term"] for row in book.all("order") if row["refunded_at"]}
    for row in book.all("grant"):
        term = book.one("term", row["term"])
        holding = book.one("subscription", term["subscription"])
        used = keys[row["id"]] if row["kind"] == "keys" else taken[row["id"]]
        if row["used"] != used or not 0 <= used <= row["quantity"]:
            faults.add("I-34" if row["kind"] == "keys" else "I-35", f"grant:{row['id']}", used=row["used"], taken=used)
        if promised[holding["offer"], term["offer_version"]].get(row["benefit"]) != (row["kind"], row["quantity"]):
            faults.add("I-37", f"grant:{row['id']}", quantity=row["quantity"])
        if (row["revoked_at"] is not None) != (row["term"] in refunded):
            faults.add("I-36", f"grant:{row['id']}", revoked_at=row["revoked_at"])
        policy = book.one("policy", term["policy"])
        last = term["renewal_closes_on"] if policy["benefits_in_window"] else term["expires_on"]
        live = holding["cancelled_on"] is None and term["n"] == newest[term["subscription"]]
        live = live and row["revoked_at"] is None and str(book.today) <= last
        if live != (row["state"] == "active"):
            faults.add("I-33", f"grant:{row['id']}", state=row["state"], live=live)


def people(book, faults):
    approvals = book.grouped("approval", "object")
    for row in book.all("refund"):
        if row["reason"] == "late_capture" or row["status"] == "refused":
            continue
        term = book.one("term", book.one("order", book.one("payment", row["payment"])["order"])["term"])
        yes = approvals[f"refund:{row['id']}"]
        limit = book.one("policy", term["policy"])["refund_limit"].get(row["currency"], 0)
        needed = 2 if row["amount"] > limit else 1 if row["reason"] == "full" else 0
        by = {each["by"] for each in yes}
        if len(by) < needed or row["requested_by"] in by:
            faults.add("I-48", f"refund:{row['id']}", by=sorted(by), needed=needed)
    for subject, found in book.grouped("event", "subject").items():
        if [row["seq"] for row in sorted(found, key=number)] != list(range(1, len(found) + 1)):
            faults.add("I-45", subject, events=len(found))
    told = Counter((row["name"], row["subject"]) for row in book.all("event"))
    for row in book.all("order"):
        wanted = ["orders.placed"] + (["orders.paid"] if row["paid_at"] else [])
        for name in wanted:
            if told[name, f"order:{row['id']}"] != 1:
                faults.add("I-42", f"order:{row['id']}", event=name)
    for kind in ("term", "order"):
        for row in book.all(kind):
            holding = book.one("subscription", row["subscription"])
            if holding and holding["partner"] != row["partner"]:
                faults.add("I-39", f"{kind}:{row['id']}", partner=row["partner"])


CHECKS = (
    ledger,
    chain,
    causes,
    earned,
    owed,
    taxes,
    prices,
    charging,
    attempts,
    documents,
    terms,
    auto_renew,
    benefits,
    people,
)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") if len(sys.argv) > 1 else sys.stdin.buffer as source:
        found = recheck(source)
    for promise, thing, facts in found:
        print(promise, thing, json.dumps(facts, default=str))
    sys.exit(1 if found else 0)
