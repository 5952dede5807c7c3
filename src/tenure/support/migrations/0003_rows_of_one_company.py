"""The second line: to a partner's people the database itself shows the rows of their own companies alone."""

from django.db import migrations

from tenure.plumbing.sight import ME, MINE, of_company, of_parent, role, shown_to

COMPANIES = """
    plumbing_event plumbing_mail plumbing_task
    people_colleague people_invitation people_apikey people_directory
    partners_taxexemption partners_exemptionapplication partners_location
    webhooks_entry webhooks_endpoint
    enrolment_acceptance enrolment_check enrolment_evidence enrolment_recovery
    payments_card payments_attempt payments_allocation payments_payment
    billing_invoice billing_ledgertransaction billing_withholding
    memberships_subscription memberships_term
    competencies_evidence benefits_grant
    purchases_draft purchases_order purchases_proof purchases_approval
    support_request
""".split()
PARENTS = (
    ("plumbing_reaction", "event_id", "plumbing_event"),
    ("webhooks_secret", "endpoint_id", "webhooks_endpoint"),
    ("webhooks_selection", "endpoint_id", "webhooks_endpoint"),
    ("webhooks_delivery", "endpoint_id", "webhooks_endpoint"),
    ("webhooks_sending", "delivery_id", "webhooks_delivery"),
    ("payments_attemptchange", "attempt_id", "payments_attempt"),
    ("payments_refund", "payment_id", "payments_payment"),
    ("payments_dispute", "payment_id", "payments_payment"),
    ("payments_refundapproval", "refund_id", "payments_refund"),
    ("billing_invoicepdf", "invoice_id", "billing_invoice"),
    ("billing_invoiceline", "invoice_id", "billing_invoice"),
    ("billing_posting", "transaction_id", "billing_ledgertransaction"),
    ("memberships_autorenewchange", "subscription_id", "memberships_subscription"),
    ("benefits_key", "grant_id", "benefits_grant"),
    ("benefits_usage", "grant_id", "benefits_grant"),
    ("renewals_due", "subscription_id", "memberships_subscription"),
    ("support_note", "request_id", "support_request"),
)


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0002_late_keys"),
        ("renewals", "0001_initial"),
        ("purchases", "0006_approvals"),
        ("competencies", "0001_initial"),
        ("benefits", "0001_initial"),
        ("memberships", "0003_disputes"),
        ("billing", "0006_withholding"),
        ("payments", "0005_removed_cards"),
        ("enrolment", "0003_recovery"),
        ("webhooks", "0001_initial"),
        ("partners", "0005_locations"),
        ("people", "0003_signing_in"),
        ("plumbing", "0003_answers"),
    ]
    operations = [
        role(),
        of_company("partners_partner", "id"),
        *(of_company(table) for table in COMPANIES),
        shown_to("people_notice", f"partner_id = {MINE} OR partner_id IS NULL AND user_id = {ME}"),
        *(of_parent(*hanging) for hanging in PARENTS),
    ]
