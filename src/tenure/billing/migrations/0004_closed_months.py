"""What the database refuses once a month is closed: a posting dated into it, and any change of what was closed."""

from django.db import migrations

from tenure.plumbing.db import append_only

# Whoever posts shares a lock that whoever ends a month takes alone: a transaction that was on its way when the
# month was being closed has either arrived before its balances are read, or is refused.
CLOSED = """
CREATE FUNCTION billing_month_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtext('billing.books'));
  IF EXISTS (SELECT FROM added a JOIN billing_closedmonth c ON c.month = date_trunc('month', a.posted_on)::date) THEN
    RAISE EXCEPTION 'the month is closed' USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_month_open';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER billing_month_closed AFTER INSERT ON billing_ledgertransaction
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing_month_closed();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_months")]
    operations = [
        migrations.RunSQL(
            CLOSED,
            "DROP TRIGGER billing_month_closed ON billing_ledgertransaction; DROP FUNCTION billing_month_closed();",
        ),
        append_only("billing_recognisedmonth"),
        append_only("billing_closedmonth"),
        append_only("billing_gatewaymovement"),
    ]
