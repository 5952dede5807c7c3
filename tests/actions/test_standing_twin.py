"""A subscription's status is said twice, in Python and in SQL: on any dates the two agree."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenure.memberships.models import Subscription, Term
from tenure.memberships.queries import facts_of, with_standing
from tenure.memberships.rules import TermKind, window
from tenure.partners.models import Partner
from tenure.programme.models import Version
from tenure.programme.rules import Policy

pytestmark = pytest.mark.django_db
AURORA = Policy(1, date(2010, 1, 1))
NOW = datetime(2020, 1, 1, tzinfo=UTC)
TODAY = date(2020, 3, 1)
OFFSETS = st.integers(-70, 70)
CASES = st.lists(
    st.tuples(OFFSETS, st.integers(1, 3), st.none() | OFFSETS, st.none() | OFFSETS), min_size=1, max_size=8
)


def held(partner: Partner, programme: Version, n: int, case) -> Subscription:
    """A subscription of some terms whose newest expires so many days from today."""
    expires, terms, held_until, cancelled = case
    row = Subscription.objects.create(
        partner=partner,
        offer=f"offer-{n}",
        anchor_on=TODAY,
        held_until=None if held_until is None else TODAY + timedelta(held_until),
        cancelled_on=None if cancelled is None else TODAY + timedelta(cancelled),
        cancelled_at=None if cancelled is None else NOW,
        created_at=NOW,
    )
    for k in range(1, terms + 1):
        expires_on = TODAY + timedelta(expires - 365 * (terms - k))
        span = window(expires_on, AURORA)
        Term.objects.create(
            subscription=row,
            partner=partner,
            n=k,
            kind=TermKind.IMPORT,
            starts_on=expires_on - timedelta(364),
            expires_on=expires_on,
            renewal_opens_on=span.first,
            renewal_closes_on=span.last,
            programme=programme,
            policy=1,
            opened_at=NOW,
        )
    return row


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=CASES, today=OFFSETS)
def test_the_status_in_sql_is_the_status_in_python(world, cases, today):
    day = TODAY + timedelta(today)
    Term.objects.all().delete()
    Subscription.objects.all().delete()
    programme = Version.objects.get()
    rows = [held(world.contoso, programme, n, case) for n, case in enumerate(cases)]
    found = {row.pk: (row.status, row.suspended) for row in with_standing(Subscription.objects.all(), day)}
    for row in rows:
        standing = facts_of(row).standing(day)
        assert found[row.pk] == (standing.status, standing.suspended), (facts_of(row).facts, day)


@pytest.mark.parametrize("offset", [-31, -30, -1, 0, 1])
@pytest.mark.parametrize("held_until", [None, -1, 0, 1])
def test_the_edges_by_name(world, offset, held_until):
    """Expired 31, 30 and 1 day ago, today, tomorrow; held until yesterday, today, tomorrow."""
    row = held(world.contoso, Version.objects.get(), 0, (offset, 1, held_until, None))
    found = with_standing(Subscription.objects.all(), TODAY).get()
    standing = facts_of(row).standing(TODAY)
    assert (found.status, found.suspended) == (standing.status, standing.suspended)
