"""Every refusal in words: one table from code to sentence, in both languages through gettext.

A sentence says what is so, the dates and amounts, and what the reader can do next. It must never decide
anything. To add a code, add one line to ``MESSAGES``; a code with fewer facts at hand takes a tuple, the
sentence with the most facts first. Read next: ``kernel/refusals.py`` and ``web/shared/language.py``.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from tenure.kernel.refusals import Check, Invalid, Refusal
from tenure.web.shared.language import fill, language, names_in
from tenure.web.shared.messages_about_joining import JOINING
from tenure.web.shared.messages_about_tax import TAX
from tenure.web.shared.messages_about_webhooks import WEBHOOKS
from tenure.web.shared.messages_for_programs import FOR_PROGRAMS

GENERAL = _("This can't be done as things stand. Nothing has been changed.")

MESSAGES: dict[str, Any] = {
    **FOR_PROGRAMS,
    **JOINING,
    **TAX,
    **WEBHOOKS,
    # Access
    "access.not_found": _("There is nothing here under this address, or it belongs to another company."),
    "access.forbidden": (
        _("You don't have permission to do this. %(helpers)s can do it."),
        _("You don't have permission to do this."),
    ),
    "form.invalid": _("Check the fields marked below. Nothing has been sent yet."),
    "idempotency.other_body": _("This request was already sent with other contents. Reload the page and start again."),
    # Signing in
    "sign_in.too_many": _("Too many attempts. Try again in %(seconds)s seconds; nothing has been locked."),
    "people.identity_taken": _("This account is linked with another user already."),
    "people.email_same": _("This is already your address."),
    "people.email_change_over": _("This change of address is over. Ask for it again."),
    "password.too_long": _("A password may have at most %(limit)s characters."),
    # Offers
    "offers.not_joined": _("Your company has not joined the programme yet. Accept the programme agreement first."),
    "offers.agreement_changed": _(
        "The programme agreement has a new version. An admin of your company accepts it on the company page first."
    ),
    "offers.not_verified": _("Your company's verification isn't finished. You can buy as soon as it has passed."),
    "offers.suspended": _("Your company's account is suspended. Open a support request to find out why."),
    "offers.not_for_sale": _("This offer is not for sale at present."),
    "offers.already_held": (
        _("Your company already has %(offer)s. Each company can hold one."),
        _("Your company already has this offer. Each company can hold one."),
    ),
    "offers.excluded": (
        _("Your company holds %(offer)s, which already includes this offer."),
        _("Your company holds an offer that already includes this one."),
    ),
    "offers.requirements_missing": (
        _("Requirements not met yet: %(missing)s."),
        _("Not all requirements are met yet."),
    ),
    "offers.managed_in_old_portal": (
        _(
            "This membership is managed in the old portal. It expires on %(expires_on)s and can be renewed there from "
            "%(opens_on)s to %(closes_on)s."
        ),
        _("This membership is managed in the old portal. Renew it there until your company is invited to move."),
    ),
    "offers.managed_in_old_portal_purchase": _(
        "Your company is managed in the old portal. Buy there until your company is invited to move."
    ),
    "offers.order_open": (
        _("Order %(number)s for this offer is still open. Pay or cancel it first."),
        _("An order for this offer is still open. Pay or cancel it first."),
    ),
    # Renewals
    "renewals.window_not_open": (
        _("You can't renew yet. The subscription expires on %(expires_on)s; renewal opens on %(opens_on)s."),
        _("You can't renew yet. Renewal opens on %(opens_on)s, the day after expiry."),
    ),
    "renewals.window_closed": (
        _("The renewal window closed on %(closes_on)s. Buy the offer again to get its benefits back."),
        _("The renewal window has closed. Buy the offer again to get its benefits back."),
    ),
    "renewals.not_held": _("Your company doesn't have this subscription, so there is nothing to renew."),
    "renewals.cancelled": _("This subscription was cancelled. Buy the offer again to get its benefits back."),
    "renewals.payment_unknown": (
        _("We're checking the payment for order %(number)s. Don't pay again; we'll mail you when we know."),
        _("We're checking the payment with the bank. Don't pay again; we'll mail you when we know."),
    ),
    "renewals.auto_renew_is_off": _("Auto-renew is off already."),
    "renewals.renew_first": _("Auto-renew can't be turned on again until you next renew."),
    "renewals.auto_renew_not_supported": _("This offer doesn't renew by itself. Renew it in its renewal window."),
    # Orders
    "orders.closed": (
        _("Order %(number)s is closed. Nothing more can be done with it."),
        _("This order is closed. Nothing more can be done with it."),
    ),
    "orders.already_paid": (
        _("Order %(number)s is already paid. Nothing was charged again."),
        _("This order is already paid. Nothing was charged again."),
    ),
    "orders.expired": (
        _("Order %(number)s expired before it was paid. Place a new order; money already sent will be used for it."),
        _("This order expired before it was paid. Place a new order; money already sent will be used for it."),
    ),
    "orders.price_changed": (
        _("The total changed from %(before)s to %(after)s. Check it and confirm again; nothing was charged."),
        _("The total has changed. Check it and confirm again; nothing was charged."),
    ),
    "orders.terms_changed": _("The terms have changed. Read and accept the new version; nothing was charged."),
    "orders.terms_not_accepted": _("Read the terms and tick the box to accept them."),
    "orders.card_charge_running": (
        _("A card payment for order %(number)s is under way. Wait for its result; don't pay again."),
        _("A card payment for this order is under way. Wait for its result; don't pay again."),
    ),
    # Payments and transfers
    "payments.declined": (
        _("The card was declined: %(reason)s. Nothing was charged. Use another card or pay by bank transfer."),
        _("The card was declined. Nothing was charged. Use another card or pay by bank transfer."),
    ),
    "payments.card_not_found": _("This card is not on file any more. Choose another card."),
    "payments.method_not_offered": _("This payment method is not offered for this order. Choose another one."),
    "payments.checking": (
        _("We're checking the payment for order %(number)s. Don't pay again; we'll mail you when we know."),
        _("We're checking the payment with the bank. Don't pay again; we'll mail you when we know."),
    ),
    "refund.disputed": _("The bank disputes this payment. It can be refunded once the bank has decided."),
    "renewals.disputed": _("The bank disputes your last payment. You can renew once it has decided."),
    "payments.no_answer": _("The card provider does not answer. It is asked once a day; nothing new is charged."),
    "payments.amount_mismatch": _(
        "The amount received differs from the order's total. Our finance team will contact you."
    ),
    "split.nothing": _("Say which order gets how much: nothing has been divided."),
    "split.order_unknown": _("There is no order with this number."),
    "split.partner_unknown": _("There is no partner with this ID."),
    "split.order_twice": _("This order stands here twice. Give it one amount."),
    "split.more_than_there_is": _("The parts are more than the transfer has left."),
    "split.order_takes_nothing": _(
        "This order takes no transfer: it is paid, cancelled, by card, or was due before the money came."
    ),
    "split.more_than_due": _("This is more than the order still needs: %(due)s."),
    "transfers.already_matched": _("This transfer is already matched. Reload the page to see with what."),
    "orders.money_has_come": (
        _("Money has come in for order %(number)s already. It stays a bank transfer; pay what is missing."),
        _("Money has come in for this order already. It stays a bank transfer; pay what is missing."),
    ),
    "statements.empty": _("The file holds no bookings."),
    "statements.too_big": _("The file is too big. Ask the bank for shorter periods."),
    "statements.too_many_lines": _("The file holds too many lines. Ask the bank for shorter periods."),
    "statements.not_xml": _("The file is not sound XML. Download it from the bank again."),
    "statements.form_unknown": _("This is no bank file we can read. We read camt.053, MT940 and CSV."),
    "statements.mapping_missing": _(
        "Choose the account, and save which column says what, before reading its CSV files."
    ),
    "statements.mapping_incomplete": _("The saved columns are not enough to read this file. Complete them first."),
    "statements.column_missing": (
        _("The file has no column “%(detail)s”. Check the saved columns."),
        _("The file lacks a column that was saved. Check the saved columns."),
    ),
    "statements.not_columns": _("The file is not in columns that can be told apart. Check the separator."),
    "statements.balances_differ": _(
        "The bookings do not add up from the opening to the closing balance, so part of the file is missing. "
        "Nothing was entered."
    ),
    "statements.account_unknown": (
        _("The account %(account)s is none of the programme's. Nothing was entered."),
        _("The account is none of the programme's. Nothing was entered."),
    ),
    "statements.no_date": _("The date can't be read."),
    "statements.no_amount": _("The amount can't be read."),
    "statements.no_direction": _("It does not say whether money came or went."),
    "statements.currency_unknown": _("Nothing is billed in this currency."),
    "statements.bad_field": _("A field of this booking can't be read."),
    "transfers.wrong_currency": _("The transfer is in another currency than the order. It can't be matched."),
    "charging.stopped": _(
        "No card can be charged at the moment, and none was. The order is kept: pay it by card later, or by bank "
        "transfer now."
    ),
    "cards.charge_running": _("Order %(number)s is being charged to this card. Remove it once that has ended."),
    "cards.renews": _("This card renews a subscription. Agree first that it is no longer renewed by itself."),
    "cards.agree_first": _("Tick the box to agree. Without it the card stays and goes on renewing."),
    "cards.not_forgotten": _("The card provider has not confirmed for a day that it has forgotten the card."),
    "charging.renewals_wait": _("Automatic renewals wait, since no card is charged at present."),
    "charging.bound": _(
        "More was charged within an hour than the programme allows. Look into it, then start it again."
    ),
    "charging.unreleased": _(
        "No card is charged and no money given back at present: this installation was restored or copied and has not "
        "been released yet. An administrator does that with tenure release."
    ),
    "input.card_data": _(
        "What looks like a card number was typed here. It has not been kept. Card numbers are entered on the card "
        "page only."
    ),
    "company.business_number_wrong": _("This business number has a wrong digit. Enter all eight digits again."),
    "company.tax_id_wrong": _("This tax ID can't be right. Enter it again, as it stands on your tax registration."),
    # Contact details and text
    "contact.name_missing": _("Enter the name of the person to contact."),
    "contact.phone_missing": _("Enter a phone number with its area code, like 02 2712 3456."),
    "contact.phone_malformed": _("Enter the whole phone number with its area code, like 02 2712 3456."),
    "contact.email_missing": _("Enter an e-mail address, like name@company.example."),
    "contact.email_malformed": _("Enter a whole e-mail address, like name@company.example."),
    "proof.account_missing": _("Enter the account number you paid into."),
    "proof.reference_missing": _("Enter the reference or transaction number on the slip."),
    "text.missing": _("Fill in this field."),
    "text.too_long": (
        _("Shorten this to %(limit)s characters or fewer."),
        _("This text is too long. Shorten it."),
    ),
    "text.control_characters": _("Remove the invisible control characters from this field."),
    "number.malformed": _("Enter a whole number, like 12."),
    "number.impossible": _("Enter a number above zero that is within the limit."),
    "money.malformed": _("Enter an amount, like 15,750."),
    "choice.unknown": _("Choose one of the options."),
    "card.number_not_accepted": _(
        "This looks like a card number. Remove it: card numbers are only entered with the card provider."
    ),
    # Dates and files
    "date.impossible": _("Enter a date that exists, like 2019-07-22."),
    "date.in_future": _("Enter a date that is not after today."),
    "file.missing": _("Choose a file."),
    "file.too_large": (
        _("Choose a file of at most %(limit)s."),
        _("Choose a smaller file."),
    ),
    "file.picture_too_large": _("The picture has too many pixels. Choose a smaller one."),
    "file.type_refused": _("Choose a PDF, JPEG, PNG or GIF file."),
    # Refunds
    "refund.too_late": (
        _("The refund period ended on %(last_day)s."),
        _("The refund period has ended."),
    ),
    "refund.key_revealed": (
        _("A product key was revealed on %(day)s, which ended the right to a refund."),
        _("A product key was revealed, which ended the right to a refund."),
    ),
    "refund.benefit_used": _("A benefit has been activated, which ended the right to a refund."),
    "refund.already_refunded": _("This order has already been refunded."),
    "refund.nothing_paid": _("Nothing has been paid for this order, so there is nothing to refund."),
    "refund.not_exempt": _("The company had no valid tax exemption on that day, so the tax can't be refunded."),
    # Support
    "support.closed": _("This support request is closed. Open a new one and mention its number."),
    "support.nothing_to_cancel": _("There is no subscription to cancel here."),
    "support.cancel_already_requested": (
        _("Support request %(number)s already asks for this cancellation."),
        _("A support request already asks for this cancellation."),
    ),
    "support.second_approver_needed": _("This refund is above the limit. A second person has to approve it."),
    "support.nothing_to_approve": _("Nobody has approved this refund yet. The first yes comes from support."),
    "support.requester_cannot_approve": _("You asked for this refund, so somebody else has to approve it."),
    # People
    "people.last_admin": _("This person is your company's last admin. Make somebody else an admin first."),
    "people.email_taken": _("Somebody with this e-mail address is already a user."),
    "people.invitation_used": _("This invitation has been used. Sign in with your e-mail address and password."),
    "people.invitation_expired": _("This invitation has expired. Ask your company's admin for a new one."),
    "people.invitation_withdrawn": _("This invitation was withdrawn. Ask your company's admin for a new one."),
    "people.role_unknown": _("This role doesn't exist in the programme. Choose another one."),
    "password.missing": _("Enter a password."),
    "password.too_short": _("Use a password of at least %(limit)s characters. A few words in a row are fine."),
    "password.too_common": _("Many people use this password. Choose another one."),
    "password.like_the_person": _("This password is too close to the name or the e-mail address. Choose another one."),
    # Joining
    "enrolment.agreement_not_accepted": _("Read the agreement and tick the box to accept it."),
    "enrolment.email_not_confirmed": _("Confirm your e-mail address first. The link is in the mail we sent you."),
    "enrolment.personal_address": _("Use an address of your company's own domain, not a personal mailbox."),
    "enrolment.role_address": _("Use a person's own address, not a shared one like info@ or admin@."),
    "enrolment.agreement_changed": _("The agreement has changed. Read and accept the new version."),
    "enrolment.already_decided": _("This verification has already been decided. Reload the page to see how."),
    "enrolment.nothing_to_appeal": _("No verification has been rejected, so there is nothing to appeal."),
    "partners.not_invited_here": _("Your company has not been invited to move here yet."),
    "programme.rewrites_the_past": _(
        "Policies that have begun and agreements people have accepted keep their words. Add a new version instead: "
        "%(paths)s."
    ),
    "programme.missing": _("No programme has been set up yet. The operator has to apply a programme file first."),
    # Competencies and benefits
    "competencies.criterion_unknown": _("This requirement doesn't belong to the competency. Choose another one."),
    "benefits.pool_empty": _("No product key is left to hand out. Open a support request to get one."),
    "benefits.none_left": _("None of this benefit is left in this term."),
    "benefits.used_meanwhile": _("Somebody used this benefit in the meantime. Look again at what is left."),
    "benefits.refund_under_way": _("The money for this membership is being refunded, so its benefits have ended."),
    "benefits.not_active": _("This benefit is not active. It comes back when the membership is renewed."),
    # Books
    "books.month_not_over": _("%(month)s is not over. It can be closed from %(closes_on)s on."),
    "books.before_the_books": _("There is nothing to close in %(month)s: the books begin later."),
    "books.close_earlier_first": _("%(first)s comes first: months are closed in their order."),
    "books.differences": _("%(month)s can't be closed yet. What has to be explained first is listed under Books."),
    "books.do_not_agree": _("Look under Books, The gateway's list, for what differs."),
    "books.receivable_open": (
        _("Order %(number)s: %(amount)s is left on the receivable account."),
        _("%(amount)s is left on the receivable account."),
    ),
    "books.not_reconciled": _("%(gateway)s: the gateway's list has not been looked at since the month ended."),
    "books.orphan_ours": _("%(gateway)s: a %(kind)s of %(amount)s (%(ref)s) is in the books only."),
    "books.orphan_theirs": _("%(gateway)s: a %(kind)s of %(amount)s (%(ref)s) is in the gateway's list only."),
    "books.unexplained": _("%(gateway)s: %(amount)s of the difference is unexplained."),
    # Demo clock
    "clock.backwards_too_far": _("The demo clock can't go back before things that have already happened."),
    "clock.too_far": _("The demo clock moves at most %(days)s days at a time. Choose a nearer date."),
    "clock.no_demo": _("There is no demo clock here: this instance runs on real time."),
}

# Why a bank declined, by the gateway's code; a code not listed is told without a reason.
DECLINES: dict[str, Any] = {
    "insufficient_funds": _("insufficient funds"),
    "expired_card": _("the card has expired"),
    "authentication_required": _("the bank asks for verification"),
    "authentication_failed": _("verification failed"),
    "lost_card": _("the card is blocked"),
    "stolen_card": _("the card is blocked"),
    "pickup_card": _("the card is blocked"),
    "incorrect_cvc": _("the security code is wrong"),
}

# What a condition says when it holds: the ticked lines of a checklist.
MET: dict[str, Any] = {
    "access.forbidden": _("You have permission to do this."),
    "offers.not_joined": _("Your company has joined the programme."),
    "offers.agreement_changed": _("Your company has accepted the programme agreement."),
    "offers.not_verified": _("Your company is verified."),
    "offers.suspended": _("Your company's account is in good standing."),
    "offers.not_for_sale": _("The offer is for sale."),
    "offers.already_held": _("Your company doesn't have this offer yet."),
    "offers.excluded": _("No offer your company holds includes this one."),
    "offers.requirements_missing": _("All requirements are met."),
    "offers.managed_in_old_portal": _("The membership is managed here."),
    "offers.order_open": _("No other order is open."),
    "renewals.window_not_open": _("The renewal window has opened."),
    "renewals.window_closed": _("The renewal window has not closed."),
    "renewals.not_held": _("Your company has this subscription."),
    "renewals.cancelled": _("The subscription has not been cancelled."),
    "renewals.disputed": _("The bank does not dispute your last payment."),
    "renewals.payment_unknown": _("No payment is being checked with the bank."),
    "refund.already_refunded": _("It has not been refunded yet."),
    "refund.too_late": _("It was asked for within the refund period."),
    "refund.key_revealed": _("No product key has been revealed."),
    "refund.benefit_used": _("No benefit has been activated."),
}


def say(code: str, facts: Mapping[str, Any] | None = None) -> str:
    """The sentence for a code in the active language, with the facts written into it.

    The first sentence whose facts are all at hand is taken.
    """
    facts = {name: fact for name, fact in (facts or {}).items() if fact not in (None, "", (), [])}
    if isinstance(reason := facts.pop("reason", None), str):
        reason = DECLINES.get(reason)
    if reason:
        facts["reason"] = reason
    sentences = MESSAGES.get(code, GENERAL)
    for sentence in sentences if isinstance(sentences, tuple) else (sentences,):
        if names_in(str(sentence)) <= facts.keys():
            return fill(str(sentence), facts, language())
    return str(GENERAL)


def words_of(refusal: Refusal) -> str:
    """A refusal's words for the page that was being filled in; one of access is no matter of a form and goes on."""
    if refusal.code.startswith("access."):
        raise refusal
    return say(refusal.code, refusal.facts)


def why(check: Check) -> str:
    """A condition in words: why it stands in the way or, when it is met, that it is."""
    if check.passed:
        return str(MET.get(check.code, _("This condition is met.")))
    return say(check.code, check.facts)


def field_errors(invalid: Invalid) -> dict[str, str]:
    """The words beside each field of a refused form; ``by_field`` carries facts of a single field."""
    own = invalid.facts.get("by_field", {})
    return {name: say(code, {**invalid.facts, **own.get(name, {})}) for name, code in invalid.fields.items()}
