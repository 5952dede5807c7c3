"""Foreign keys from lower layers to the order, and the ceiling of refunds (I-7)."""

from django.db import migrations

from tenure.plumbing.db import late_key

REFUNDS = """
CREATE FUNCTION payments_refunds_within() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT coalesce(sum(r.amount_minor), 0) FROM payments_refund r
      WHERE r.payment_id = NEW.payment_id AND r.status <> 'refused')
     > (SELECT p.amount_minor FROM payments_payment p WHERE p.id = NEW.payment_id FOR UPDATE) THEN
    RAISE EXCEPTION 'refunds exceed the payment'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_within_payment';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER payments_refunds_within AFTER INSERT OR UPDATE ON payments_refund
FOR EACH ROW EXECUTE FUNCTION payments_refunds_within();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("purchases", "0001_initial"),
        ("payments", "0001_initial"),
        ("billing", "0001_initial"),
        ("memberships", "0001_initial"),
    ]
    operations = [
        late_key("payments_attempt", "order_id", "purchases_order", name="attempt_order_fk"),
        late_key("payments_payment", "order_id", "purchases_order", name="payment_order_fk"),
        late_key("payments_allocation", "order_id", "purchases_order", name="allocation_order_fk"),
        late_key("billing_invoice", "order_id", "purchases_order", name="invoice_order_fk"),
        late_key("billing_posting", "order_id", "purchases_order", name="posting_order_fk"),
        late_key("memberships_term", "order_id", "purchases_order", name="term_order_fk"),
        migrations.RunSQL(
            REFUNDS,
            "DROP TRIGGER payments_refunds_within ON payments_refund; DROP FUNCTION payments_refunds_within();",
        ),
    ]
