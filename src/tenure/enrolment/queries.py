"""Reading enrolment: the state of the checks, and the signed link that confirms an address."""

from django.core import signing
from django.db.models import QuerySet

from tenure.enrolment.models import Acceptance, Check, Evidence
from tenure.enrolment.rules import Kind, State
from tenure.partners.models import Partner
from tenure.partners.queries import with_address
from tenure.programme.rules import Programme

AGREEMENT = "programme"
CONFIRMATION = "enrolment.email"


def checks(partner: Partner) -> list[Check]:
    """The company's checks in the order they are made."""
    order: dict[str, int] = {kind: n for n, kind in enumerate(Kind)}
    return sorted(partner.checks.select_related("evidence"), key=lambda check: order[check.kind])


def acceptances(partner: Partner) -> QuerySet[Acceptance]:
    """The agreements a company has accepted, the newest first, with who did."""
    return partner.acceptances.select_related("user").order_by("-at", "-pk")


def accepted(partner_id: int, agreement: str, version: str) -> bool:
    """Whether somebody has accepted an agreement in one version for a company."""
    return Acceptance.objects.filter(partner_id=partner_id, agreement=agreement, version=version).exists()


def agreed(partner_id: int, programme: Programme) -> bool:
    """Whether a company has accepted the agreement that is put before people now."""
    return accepted(partner_id, AGREEMENT, programme.agreement(AGREEMENT).version)


def papers(partner_id: int) -> list[Evidence]:
    """The documents a company has handed in for its checks, the last first; their contents stay where they are."""
    rows = Evidence.objects.filter(partner_id=partner_id).select_related("file", "check_row").defer("file__content")
    return list(rows.order_by("-pk"))


def paper(id: int) -> Evidence | None:
    return Evidence.objects.select_related("file").filter(pk=id).first()


def waiting() -> QuerySet[Check]:
    """Checks a verification officer must decide, oldest first; the address confirms itself."""
    return (
        Check.objects.filter(state=State.PENDING)
        .exclude(kind=Kind.EMAIL)
        .select_related("partner")
        .order_by("opened_at", "id")
    )


def check(id: int) -> Check | None:
    return Check.objects.select_related("partner", "evidence").filter(pk=id).first()


def confirmation_token(partner: Partner) -> str:
    """Signed over the address itself: changing the address makes the old link worthless."""
    return signing.dumps([partner.pk, partner.contact_email], salt=CONFIRMATION)


def partner_of_token(token: str) -> Partner | None:
    try:
        partner_id, email = signing.loads(token, salt=CONFIRMATION, max_age=60 * 60 * 24 * 30)
    except signing.BadSignature:
        return None
    return with_address(partner_id, email)
