"""One subscription's page, the one-way switch of auto-renew, and the way to cancel."""

import pytest

from tenure.kernel.refusals import Refusal
from tenure.memberships.models import AutoRenewChange
from tenure.payments import actions as payments
from tenure.payments.gateways.base import Unknown
from tenure.payments.queries import cards
from tenure.people.models import User
from tenure.renewals import actions as renewals
from tests.doors.till import Till

pytestmark = pytest.mark.django_db


@pytest.fixture
def till(world):
    world.go("2018-06-22")
    till = Till(world)
    till.buy()
    return till


@pytest.fixture
def subscription(till):
    return till.world.holding().subscription


def address(subscription, name=""):
    return f"/subscriptions/{subscription.pk}/{name}"


def test_the_page_says_term_window_charge_and_price(till, subscription):
    page = till.page(address(subscription))
    assert "Active until 22 June 2019" in page and "23 June to 22 July 2019" in page
    assert "23 June 2019 · NT$15,750 · Visa ···· 4242" in page
    assert "On. We charge Visa ···· 4242 on 23 June 2019, and each year after." in page
    assert 'aria-disabled="true"' in page and "renewal opens on 23 June 2019" in page
    assert "is refunded in full" in page and "22 July 2018" in page


def test_s30_turning_auto_renew_off_is_asked_once_and_shown(till, subscription):
    page = till.page(address(subscription, "auto-renew/"))
    assert "You can't turn it on again until you next renew." in page and "Keep auto-renew" in page
    assert till.post(address(subscription, "auto-renew/")) == address(subscription)
    page = till.page(address(subscription))
    assert "Auto-renew is off." in page and "Turn off auto-renew" not in page
    assert till.client.get(address(subscription, "auto-renew/"))["Location"] == address(subscription)
    till.post(address(subscription, "auto-renew/"))
    assert AutoRenewChange.objects.filter(on=False).count() == 1


def test_s31_turning_it_on_again_is_refused_until_the_next_renewal(till, subscription):
    till.post(address(subscription, "auto-renew/"))
    page = till.refused(address(subscription, "auto-renew/"), {"auto_renew": "true"}, status=409)
    assert "Auto-renew can't be turned on again until you next renew." in page
    till.world.live("2019-06-25")
    till.buy(subscription=subscription)
    assert till.world.holding().subscription.auto_renew


def test_renewing_from_the_page_in_the_window(till, subscription):
    till.post(address(subscription, "auto-renew/"))
    till.world.live("2019-06-25")
    page = till.page(address(subscription))
    assert "22 July 2019 · 28 days left" in page and f'name="subscription" value="{subscription.pk}"' in page
    assert "It is no longer refunded:" in page and "The refund period ended on 22 July 2018." in page


def test_s38_s39_every_years_invoice_is_listed_even_after_the_lapse(till, subscription):
    till.world.live("2020-07-01")
    till.post(address(subscription, "auto-renew/"))
    till.world.live("2021-08-01")
    page = till.page(address(subscription))
    assert page.count("Download invoice") == 3 and "Lapsed" in page
    assert page.index("INV-2020") < page.index("INV-2019") < page.index("INV-2018")
    assert "Auto-renew</h2>" not in page
    bo = Till(till.world, till.world.bo)
    assert bo.page(address(subscription)).count("Download invoice") == 3


def test_history_tells_what_happened_the_newest_first(till, subscription):
    till.post(address(subscription, "auto-renew/"))
    page = till.page(address(subscription))
    history = page[page.index("History") :]
    assert history.index("Auto-renew turned off") < history.index("paid") < history.index("placed")
    assert "Ming Chen" in history


def test_s33_cancelling_is_a_request_filled_in(till, subscription):
    where = till.client.get(address(subscription, "cancel/"))["Location"]
    assert where == f"/support/new/?subscription={subscription.pk}&problem=invoice-payment-reconciliation"
    till.page(where)


def test_a_replaced_subscription_is_only_looked_at(till, subscription):
    till.post(address(subscription, "auto-renew/"))
    till.world.live("2019-08-01")
    till.buy()
    page = till.page(address(subscription))
    assert "Lapsed" in page and 'name="offer"' not in page and 'name="subscription"' not in page
    assert till.world.holding().subscription.pk != subscription.pk


def test_who_may_do_what(till, subscription):
    world = till.world
    bo = Till(world, world.bo)
    page = bo.page(address(subscription))
    assert "Ann Lin or Ming Chen" in page and "Turn off auto-renew" not in page
    assert "Ann Lin or Ming Chen" in bo.page(address(subscription, "auto-renew/"), status=403)
    assert bo.client.post(address(subscription, "auto-renew/")).status_code == 403
    Till(world, world.sal).page(address(subscription), status=403)
    assert Till(world, world.oda).client.get(address(subscription))["Location"] == "/office/"


def test_another_companys_subscription_does_not_exist(till, subscription):
    till.world.company("Fabrik Systems Ltd", "fabrik.example", "Mei Chen")
    stranger = Till(till.world, User.objects.get(email="mei@fabrik.example"))
    for name in ("", "auto-renew/", "cancel/"):
        stranger.page(address(subscription, name), status=404)
    assert stranger.client.post(address(subscription, "auto-renew/")).status_code == 404
    assert stranger.client.post("/checkout/start/", {"subscription": subscription.pk}).status_code == 404
    stranger.page("/subscriptions/999999/", status=404)


def test_the_page_stays_within_its_queries(till, subscription, django_assert_max_num_queries):
    till.world.live("2020-07-01")
    with django_assert_max_num_queries(32):
        till.page(address(subscription))


def test_another_kept_card_is_chosen_and_charged_at_the_next_renewal(till, subscription):
    """Replacing the card charges nothing by itself and leaves auto-renew as it is."""
    till.world.qualify("silver-cloud")
    till.buy("tok_0341", offer="silver-cloud")
    kept = {str(card)[-4:]: card for card in cards(till.world.contoso.pk)}
    page = till.page(address(subscription, "card/"))
    assert "It is charged on 23 June 2019, not now." in page and page.count('name="card"') == len(kept) == 2
    before = till.world.charged()
    assert till.post(address(subscription, "card/"), {"card": f"card-{kept['0341'].pk}"}) == address(subscription)
    assert "On. We charge Visa ···· 0341 on 23 June 2019" in till.page(address(subscription))
    assert till.world.charged() == before
    page = till.refused(address(subscription, "card/"), {"card": "card-999999"}, status=422)
    assert 'name="card"' in page


def test_without_auto_renew_there_is_no_card_to_choose(till, subscription):
    kept = cards(till.world.contoso.pk)[0]
    till.post(address(subscription, "auto-renew/"))
    assert till.client.get(address(subscription, "card/"))["Location"] == address(subscription)
    with pytest.raises(Refusal, match="renew_first"):
        renewals.change_card(till.world.actor(till.world.ming), subscription, card=kept.pk, now=till.world.now)


def test_a_new_card_is_named_on_the_gateways_page_and_charged_at_the_next_renewal(till, subscription):
    """Replacing the card for one that was never used here: nothing is charged, the next renewal charges it."""
    before = till.world.charged()
    assert "Use a new card" in till.page(address(subscription, "card/"))
    page = till.post(address(subscription, "card/new/"))
    assert page.startswith("/pay/") and "Keep this card" in till.page(page)
    assert till.press(page, "tok_4444") == address(subscription)
    assert "On. We charge Mastercard ···· 4444 on 23 June 2019" in till.page(address(subscription))
    assert [card.last4 for card in cards(till.world.contoso.pk)].count("4444") == 1
    assert till.world.charged() == before
    till.world.live("2019-06-23")
    assert till.world.charged() == before + 1 and f"{till.world.holding().term.starts_on}" == "2019-06-23"


def test_a_card_page_that_was_left_changes_nothing(till, subscription):
    kept = till.world.holding().subscription.card_id
    page = till.post(address(subscription, "card/new/"))
    assert till.press(page, do="cancel") == address(subscription, "card/")
    assert "No new card was kept" in till.page(address(subscription, "card/"))
    assert till.world.holding().subscription.card_id == kept
    assert till.client.get(address(subscription, "card/return/"))["Location"] == address(subscription)


def test_a_card_named_by_one_browser_is_not_taken_by_another(till, subscription):
    """The page's name stays with the session that opened it; coming back without one changes nothing."""
    page = till.post(address(subscription, "card/new/"))
    kept = till.world.holding().subscription.card_id
    ann = Till(till.world, till.world.ann)
    assert ann.press(page, "tok_4444") == address(subscription)
    assert till.world.holding().subscription.card_id == kept
    assert till.client.get(address(subscription, "card/new/")).status_code == 405


def test_a_gateway_that_is_silent_opens_no_page(till, subscription, monkeypatch):
    def silent(*_):
        raise Unknown("no_answer")

    monkeypatch.setattr(type(payments.gateway("demo")._through), "open_card_page", silent)
    assert till.post(address(subscription, "card/new/")) == address(subscription, "card/")
    assert "Nothing was changed" in till.page(address(subscription, "card/"))
