"""Reading partner companies."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet

from tenure.kernel.access import Actor, may
from tenure.kernel.periods import plus_days
from tenure.partners.models import ExemptionApplication, Location, Partner, TaxExemption
from tenure.partners.rules import (
    NOTICE_DAYS,
    ApplicationStatus,
    Exemption,
    Standing,
    exemption_on,
    goes_on,
    name_key,
)

# More than so many likenesses are not looked through by anybody.
ALIKE = 10


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
    return exemption_on([_exemption(row) for row in rows], day)


def find(partner_id: int) -> Partner | None:
    return Partner.objects.filter(pk=partner_id).first()


def by_number(number: str) -> Partner | None:
    """The partner with an ID as people type it, blanks and marks aside."""
    return Partner.objects.filter(number="".join(c for c in number if c.isalnum())).first()


def all_names() -> list[tuple[int, str]]:
    """Every partner's name, so that a likeness of one is never believed while another is as like."""
    return list(Partner.objects.values_list("pk", "legal_name"))


@dataclass(frozen=True, slots=True)
class Alike:
    """Another company that may be the same one, and in what: ``tax_id``, ``name``, ``domain``."""

    partner: Partner
    reasons: tuple[str, ...]


def alike(partner: Partner) -> list[Alike]:
    """Companies that may be this one enrolled twice, the likeliest first. For staff only: whoever applies learns
    nothing of others."""
    others = Partner.objects.filter(closed_at=None).exclude(pk=partner.pk)
    found: dict[int, list[str]] = {}
    domain = partner.contact_email.rpartition("@")[2]
    if partner.tax_id:
        _note(found, "tax_id", others.filter(tax_id=partner.tax_id).values_list("pk", flat=True)[:ALIKE])
    key = name_key(partner.legal_name)
    same_country = others.filter(country=partner.country).values_list("pk", "legal_name")
    _note(found, "name", [pk for pk, name in same_country.iterator() if name_key(name) == key][:ALIKE])
    _note(found, "domain", others.filter(contact_email__iendswith=f"@{domain}").values_list("pk", flat=True)[:ALIKE])
    rows = Partner.objects.in_bulk(found)
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Alike(rows[pk], tuple(reasons)) for pk, reasons in ranked[:ALIKE]]


def _note(found: dict[int, list[str]], reason: str, ids: Iterable[int]) -> None:
    for pk in ids:
        found.setdefault(pk, []).append(reason)


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


def locations(partner_id: int) -> QuerySet[Location]:
    """The locations a company has, in the order in which they were added."""
    return Location.objects.filter(partner_id=partner_id, removed_at=None).order_by("pk")


def location(id: int) -> Location | None:
    return Location.objects.filter(pk=id, removed_at=None).first()


def exemptions(partner: Partner) -> QuerySet[TaxExemption]:
    return partner.exemptions.order_by("-valid_from", "-pk")


def application(id: int) -> ExemptionApplication | None:
    return ExemptionApplication.objects.select_related("partner", "file", "exemption").filter(pk=id).first()


def application_by_key(key: str) -> ExemptionApplication | None:
    return ExemptionApplication.objects.filter(key=key).first()


def applications(partner_id: int) -> QuerySet[ExemptionApplication]:
    """All that a company has applied for, the newest first."""
    return ExemptionApplication.objects.filter(partner_id=partner_id).order_by("-pk")


def undecided_application(partner_id: int) -> ExemptionApplication | None:
    waiting = [ApplicationStatus.SUBMITTED, ApplicationStatus.PENDING_PARTNER]
    return applications(partner_id).filter(status__in=waiting).select_related("file").first()


def applications_waiting() -> QuerySet[ExemptionApplication]:
    """What staff has to decide, the longest waiting first."""
    rows = ExemptionApplication.objects.filter(status=ApplicationStatus.SUBMITTED).select_related("partner")
    return rows.order_by("moved_at", "pk")


def applications_elsewhere() -> QuerySet[ExemptionApplication]:
    """What is decided or waits for the company, the last moved first."""
    rows = ExemptionApplication.objects.exclude(status=ApplicationStatus.SUBMITTED).select_related("partner")
    return rows.order_by("-moved_at", "-pk")


def unwarned(today: date) -> list[TaxExemption]:
    """Exemptions that end within the days of notice, are followed by none, and of which nobody was told."""
    rows = TaxExemption.objects.filter(
        warned_at=None, valid_to__gte=today, valid_to__lte=plus_days(today, NOTICE_DAYS), partner__closed_at=None
    )
    found = rows.select_related("partner").order_by("pk")
    return [row for row in found if not goes_on(row.valid_to, map(_exemption, row.partner.exemptions.all()))]


def next_day_of_exemptions(day: date) -> date | None:
    """The next day after one on which a company may have to be told that its exemption ends."""
    ends = TaxExemption.objects.filter(warned_at=None, valid_to__gt=day).values_list("valid_to", flat=True)
    return min((max(plus_days(last, -NOTICE_DAYS), plus_days(day, 1)) for last in ends), default=None)


def _exemption(row: TaxExemption) -> Exemption:
    return Exemption(row.certificate, row.valid_from, row.valid_to)


def busiest() -> Partner:
    """The partner with the most subscriptions."""
    return Partner.objects.annotate(n=Count("subscriptions")).order_by("-n", "pk").first()
