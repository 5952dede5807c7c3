"""What the database itself refuses: unbalanced postings, and any change of postings and issued documents."""

from django.db import migrations

from tenure.plumbing.db import append_only

# One look per statement instead of one call per row: all postings of a transaction arrive in one statement and
# sum to zero in each currency, whether it writes two rows or twenty thousand.
BALANCED = """
CREATE FUNCTION billing_postings_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM added GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0
  ) THEN
    RAISE EXCEPTION 'postings do not sum to zero' USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER billing_postings_balance AFTER INSERT ON billing_posting
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing_postings_balance();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [
        migrations.RunSQL(
            BALANCED,
            "DROP TRIGGER billing_postings_balance ON billing_posting; DROP FUNCTION billing_postings_balance();",
        ),
        append_only("billing_posting"),
        append_only("billing_ledgertransaction"),
        append_only("billing_invoice"),
        append_only("billing_invoiceline"),
        append_only("billing_invoicepdf"),
    ]
