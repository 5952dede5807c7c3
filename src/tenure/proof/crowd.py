"""Many more partners than the stories name: for a demonstration with numbers in it, and for measuring.

It decides who they are by the dice of one seed; what they may do is decided by the same rules and written by the
same steps as for anybody, many firms to a transaction. The first thousand buy here; all beyond come with a year
the old portal has sold them, because ten thousand purchases would take longer than anybody waits. They are not
written to: their joining and buying leaves no letters, and their invoices' PDFs are made when somebody asks. Read
next: ``proof/world.py``.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from tenure import events
from tenure.benefits import actions as benefits
from tenure.billing import actions as billing
from tenure.enrolment import actions as enrolment
from tenure.kernel.access import SYSTEM, Actor
from tenure.kernel.periods import start_of
from tenure.memberships import actions as memberships
from tenure.memberships.rules import first_term
from tenure.offers.rules import may_buy
from tenure.partners import actions as partners
from tenure.partners.models import Partner
from tenure.partners.rules import Company
from tenure.payments import actions as payments
from tenure.payments.gateways.base import Card as GatewayCard
from tenure.payments.models import Attempt
from tenure.payments.rules import Method
from tenure.payments.transfers import bank_line
from tenure.people import actions as people
from tenure.plumbing.models import Reaction
from tenure.plumbing.outbox import record
from tenure.programme.queries import current
from tenure.proof.acts import Acts
from tenure.purchases.charging import charged
from tenure.purchases.models import Order
from tenure.purchases.placing import place
from tenure.purchases.queries import Buyer
from tenure.purchases.rules import Contact, Wanted
from tenure.purchases.transfers import apply_transfer

FIRST_DAY = date(2018, 6, 10)
DAYS = 370
OFFER = "action-pack"
BUY_HERE = 1_000
BY_CARD, DECLINES_LATER = 0.6, 0.04

HEADS = "North South Amber Silver Cedar Maple Stone River Harbor Summit Bright Clear Quiet Blue Copper Willow".split()
TAILS = "Systems Networks Data Software Cloud Labs Works Consulting Digital Solutions Analytics Partners".split()
LEGAL = {"US": "Inc", "GB": "Ltd", "DE": "GmbH", "FR": "SARL", "NL": "BV", "SG": "Pte Ltd", "JP": "KK", "AU": "Pty Ltd"}
HAN_HEADS = "宏達 立德 永新 和平 景明 光華 泰安 嘉禾 鴻運 昱程 翔宇 禾風 清泉 遠山 東昇 明湖".split()
HAN_TAILS = "資訊 科技 軟體 數位 雲端 系統 網路 顧問".split()
FIRST = (
    "Ada Ben Clara David Elena Felix Grace Henry Ines Jack Karin Leo Maya Noel Olga Paul Rosa Simon Tara Uwe".split()
)
LAST = "Adams Berg Costa Diaz Eriksen Fox Garcia Hill Ito Jensen Klein Lopez Moreau Novak Olsen Perez Quinn".split()
HAN_LAST = "林 陳 王 李 張 黃 吳 劉 蔡 楊 許 鄭 謝 洪 郭 邱".split()
HAN_FIRST = "雅婷 志明 淑芬 俊宏 怡君 冠宇 佩珊 家豪 欣怡 建志 美玲 柏翰 詩涵 宗翰 惠雯 文彬".split()
CITIES = {"TW": "臺北市", "US": "Denver", "GB": "Leeds", "DE": "Bremen", "FR": "Nantes", "NL": "Breda"}


@dataclass(frozen=True, slots=True)
class Extra:
    """One generated firm, before it has joined."""

    company: Company
    language: str
    card: str
    """The token of the card it pays with; empty for a bank transfer."""
    buys_here: bool
    """Else its running year comes from the old portal."""


def crowd(size: int, seed: int) -> list[tuple[date, list[Extra]]]:
    """Who joins and buys on which day of the last year, the same for the same seed."""
    dice = random.Random(f"crowd {seed}")
    days = defaultdict(list)
    for n in range(size):
        days[FIRST_DAY + timedelta(days=dice.randrange(DAYS))].append(_extra(n, dice))
    return sorted(days.items())


def arrivals(world: Acts, size: int, seed: int) -> list[tuple[datetime, Callable[[], None]]]:
    """The crowd as things that happen, each at the hour of its day."""

    def at(day: date) -> datetime:
        return start_of(day, world.zone) + timedelta(hours=10, minutes=30)

    return [(at(day), lambda firms=firms: arrive(world, firms)) for day, firms in crowd(size, seed)]


def arrive(world: Acts, firms: list[Extra]) -> None:
    """One day's firms: joined, authorised and ordered in one transaction, then charged one by one."""
    finance = world.office("finance")
    with transaction.atomic():
        joined = [(join(firm, world.now), firm) for firm in firms]
        placed = [order_of(world, partner, firm) for partner, firm in joined if firm.buys_here]
        for order, attempt in placed:
            if attempt is None:
                _pay(world, finance, order)
        for partner, firm in joined:
            if not firm.buys_here:
                _bring_in(world, partner)
    for order, attempt in placed:
        charged(SYSTEM, order, attempt, world.now)
    Reaction.objects.filter(state="due", event__partner_id__in=[partner.pk for partner, _ in joined]).delete()


def join(firm: Extra, now: datetime) -> Partner:
    company = firm.company
    partner = partners.create(company, language=firm.language, now=now)
    user = people.create_person(
        name=company.contact_name, email=company.contact_email, password=None, language=firm.language, now=now
    )
    people.place(user, partner.pk, ["global_admin"], now)
    version = current().agreement(enrolment.AGREEMENT).version
    enrolment.agree(SYSTEM, partner, user, version, "enrolment.join", now)
    enrolment.verify_at_once(SYSTEM, partner, now)
    partner.refresh_from_db()
    return partner


def order_of(world: Acts, partner: Partner, firm: Extra) -> tuple[Order, Attempt | None]:
    programme, now = current(), world.now
    offer = programme.offer(OFFER)
    # A firm that has just joined holds nothing and has nothing open, so nothing has to be looked up.
    facts = Buyer(partner, programme, world.today, [], {}, None, {}, False)
    decision = may_buy(facts.facts(offer), offer, programme, programme.policy_on(world.today), world.today)
    card = None
    if firm.card:
        kept = GatewayCard(firm.card, "Visa", firm.card.removeprefix("tok_"), 12, 2049)
        card = payments.keep_card(partner.pk, "demo", kept, partner.contact_email, now)
    wanted = Wanted(
        key=f"crowd/{partner.number}",
        offer=OFFER,
        method=Method.CARD if firm.card else Method.BANK_TRANSFER,
        language=firm.language,
        terms_version=programme.agreement(offer.terms).version,
        contact=Contact(partner.contact_name, partner.contact_phone, partner.contact_email),
        card=card.pk if card else None,
    )
    return place(SYSTEM, facts, offer, wanted, decision, verb="purchases.buy", now=now)


def _bring_in(world: Acts, partner: Partner) -> None:
    """The year that the old portal has sold, beginning today."""
    programme = current()
    policy = programme.policy_on(world.today)
    term = memberships.bring_in(
        partner_id=partner.pk,
        offer=OFFER,
        anchor_on=world.today,
        dates=first_term(world.today, policy),
        programme=programme,
        policy=policy.version,
        now=world.now,
    )
    benefits.grant(SYSTEM, term, programme.offer(OFFER), "imports.bring_in", world.now)


def _pay(world: Acts, finance: Actor, order: Order) -> None:
    """The order's transfer is on the statement of the day it was placed."""
    line, _ = bank_line(
        finance,
        line_key=f"crowd/{order.number}",
        account=current().seller.bank_accounts[order.currency],
        value_on=world.today,
        amount=order.total,
        reference=order.reference,
        payer=order.partner.legal_name.upper(),
        now=world.now,
    )
    billing.post_bank_line(line, current(), world.now)
    received = events.TransferReceived(subject=f"bank_line:{line.pk}", line=line.pk)
    record(finance, "purchases.record_transfer", world.now, received)
    apply_transfer(finance, line, order, world.now)


def _extra(n: int, dice: random.Random) -> Extra:
    country = dice.choices(["TW", *LEGAL], weights=[40, 20, 8, 8, 5, 5, 6, 5, 3])[0]
    chinese = country == "TW" and dice.random() < 0.85
    if chinese:
        name = f"{dice.choice(HAN_HEADS)}{dice.choice(HAN_TAILS)}{n:05d}股份有限公司"
        contact = dice.choice(HAN_LAST) + dice.choice(HAN_FIRST)
    else:
        name = f"{dice.choice(HEADS)} {dice.choice(TAILS)} {n:05d} {LEGAL.get(country, 'Ltd')}"
        contact = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
    company = Company(
        legal_name=name,
        country=country,
        address=f"中正路 {dice.randrange(1, 400)} 號" if chinese else f"{dice.randrange(1, 400)} Market Street",
        city=CITIES.get(country, "Central"),
        postcode="",
        contact_name=contact,
        contact_email=f"buyer@p{n:05d}.example",
        contact_phone="02 5550 0100" if country == "TW" else "+44 20 5550 0100",
    )
    roll = dice.random()
    card = "tok_0341" if roll < DECLINES_LATER else "tok_4242" if roll < BY_CARD else ""
    return Extra(company, "zh-hant" if chinese else "en", card, buys_here=n < BUY_HERE)
