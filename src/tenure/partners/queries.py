"""Reading partner companies."""

from datetime import date

from django.db.models import Count, Q, QuerySet

from tenure.kernel.access import Actor, may
from tenure.partners.models import Partner, TaxExemption
from tenure.partners.rules import Exemption, Standing, exemption_on


def visible_to(actor: Actor) -> QuerySet[Partner]:
    """All partners for staff who may see them, else the companies the person belongs to."""
    if may(actor, "partners.view"):
        return Partner.objects.all()
    return Partner.objects.filter(pk__in=actor.grants)


def search(actor: Actor, text: str) -> QuerySet[Partner]:
    """Partners by number or part of the name."""
    found = visible_to(actor).order_by("legal_name", "pk")
    if text:
        found = found.filter(
            Q(legal_name__icontains=text) | Q(number__startswith=text) | Q(contact_email__icontains=text)
        )
    return found


def get(partner_id: int) -> Partner:
    return Partner.objects.get(pk=partner_id)


def with_address(partner_id: int, email: str) -> Partner | None:
    """The company, as long as this is still the address of its contact."""
    return Partner.objects.filter(pk=partner_id, contact_email=email).first()


def by_id(ids) -> dict[int, Partner]:
    return Partner.objects.in_bulk(list(ids))


def exemption(partner: Partner, day: date) -> Exemption | None:
    """The exemption that covers a day."""
    rows = partner.exemptions.filter(valid_from__lte=day, valid_to__gte=day)
    return exemption_on([Exemption(e.certificate, e.valid_from, e.valid_to) for e in rows], day)


def find(partner_id: int) -> Partner | None:
    return Partner.objects.filter(pk=partner_id).first()


def by_number(number: str) -> Partner | None:
    """The partner with an ID as people type it, blanks and marks aside."""
    return Partner.objects.filter(number="".join(c for c in number if c.isalnum())).first()


def all_names() -> list[tuple[int, str]]:
    """Every partner's name, so that a likeness of one is never believed while another is as like."""
    return list(Partner.objects.values_list("pk", "legal_name"))


def of_standing(rows: QuerySet[Partner], standing: Standing) -> QuerySet[Partner]:
    """The SQL twin of ``rules.standing``."""
    if standing is Standing.CLOSED:
        return rows.filter(closed_at__isnull=False)
    rows = rows.filter(closed_at=None)
    if standing is Standing.SUSPENDED:
        return rows.filter(suspended_at__isnull=False)
    rows = rows.filter(suspended_at=None)
    if standing is Standing.REJECTED:
        return rows.filter(rejected_at__isnull=False)
    return rows.filter(rejected_at=None, verified_at__isnull=standing is Standing.PENDING)


def exemptions(partner: Partner) -> QuerySet[TaxExemption]:
    return partner.exemptions.order_by("-valid_from", "-pk")


def busiest() -> Partner:
    """The partner with the most subscriptions."""
    return Partner.objects.annotate(n=Count("subscriptions")).order_by("-n", "pk").first()
