"""Reading enrolment: the state of the checks, and the signed link that confirms an address."""

from datetime import date

from django.core import signing
from django.db.models import Exists, QuerySet
from django.utils.crypto import salted_hmac

from tenure.enrolment.models import Acceptance, Check, Evidence, Recovery
from tenure.enrolment.rules import Kind, State, domain_of
from tenure.kernel.periods import plus_days
from tenure.partners.models import Partner
from tenure.partners.queries import with_address
from tenure.programme.rules import Programme

AGREEMENT = "programme"
CONFIRMATION = "enrolment.email"
RECOVERY = "enrolment.recovery"
DOMAIN = "enrolment.domain"


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


def agreed_and_exempt(partner: Partner, programme: Programme, day: date) -> tuple[bool, bool]:
    """Both in one question for pages that have few: whether the agreement is accepted, and tax is not owed on a day."""
    version = programme.agreement(AGREEMENT).version
    covering = partner.exemptions.filter(valid_from__lte=day, valid_to__gte=day)
    rows = partner.acceptances.filter(agreement=AGREEMENT, version=version).annotate(exempt=Exists(covering))
    found = rows.values_list("exempt", flat=True).first()
    return (False, covering.exists()) if found is None else (True, found)


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


def domain_proof(partner: Partner) -> tuple[str, str]:
    """The domain a company writes from, and the TXT record that only this company is asked to publish there.

    Staff look the record up themselves; it is one more thing to go by, never a decision.
    """
    domain = domain_of(partner.contact_email)
    return domain, f"tenure-verification={salted_hmac(DOMAIN, f'{partner.pk}:{domain}').hexdigest()[:32]}"


def recoveries(*, open_only: bool = False) -> QuerySet[Recovery]:
    """Companies on their way to a new admin, the newest first."""
    rows = Recovery.objects.select_related("partner").order_by("-pk")
    return rows.filter(stopped_at=None, done_at=None) if open_only else rows


def recovery(id: int) -> Recovery | None:
    return Recovery.objects.select_related("partner", "evidence").filter(pk=id).first()


def recovery_token(recovery_id: int, who: str) -> str:
    """The signed text that stands in an alert's link: which recovery, and who was told."""
    return signing.dumps([recovery_id, who], salt=RECOVERY)


def recovery_of_token(token: str) -> tuple[Recovery | None, str]:
    try:
        id, who = signing.loads(token, salt=RECOVERY)
    except (signing.BadSignature, ValueError, TypeError):
        return None, ""
    return recovery(id), who


def next_day_of_recoveries(day: date) -> date | None:
    """The next day after one on which somebody has to be told of a recovery: every day while one is open."""
    return plus_days(day, 1) if recoveries(open_only=True).exists() else None
