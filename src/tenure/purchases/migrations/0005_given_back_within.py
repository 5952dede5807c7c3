"""What is given back of a payment, refunded or in its bank's hands, is never promised beyond what was captured (I-7).

The ceiling of refunds read its sum before it had the payment's lock: of two at once, the second did not see the
first. Now the lock comes first, and disputes count. A dispute itself is a fact and never refused; it takes the same
lock, so that a refund promised meanwhile sees it.
"""

from django.db import migrations

WITHIN = """
CREATE OR REPLACE FUNCTION payments_refunds_within() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE captured bigint;
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.status <> 'refused' AND NEW.payment_id = OLD.payment_id
     AND NEW.amount_minor <= OLD.amount_minor THEN
    RETURN NULL;
  END IF;
  SELECT amount_minor INTO captured FROM payments_payment WHERE id = NEW.payment_id FOR NO KEY UPDATE;
  IF (SELECT coalesce(sum(amount_minor), 0) FROM payments_refund
      WHERE payment_id = NEW.payment_id AND status <> 'refused')
     + (SELECT coalesce(sum(amount_minor), 0) FROM payments_dispute
        WHERE payment_id = NEW.payment_id AND status <> 'won') > captured THEN
    RAISE EXCEPTION 'more is given back than was captured'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_within_payment';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION payments_disputes_wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM payments_payment WHERE id = NEW.payment_id FOR NO KEY UPDATE;
  RETURN NULL;
END $$;
CREATE TRIGGER payments_disputes_wait AFTER INSERT ON payments_dispute
FOR EACH ROW EXECUTE FUNCTION payments_disputes_wait();
"""

BEFORE = """
DROP TRIGGER payments_disputes_wait ON payments_dispute; DROP FUNCTION payments_disputes_wait();
CREATE OR REPLACE FUNCTION payments_refunds_within() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT coalesce(sum(r.amount_minor), 0) FROM payments_refund r
      WHERE r.payment_id = NEW.payment_id AND r.status <> 'refused')
     > (SELECT p.amount_minor FROM payments_payment p WHERE p.id = NEW.payment_id FOR UPDATE) THEN
    RAISE EXCEPTION 'refunds exceed the payment'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_within_payment';
  END IF;
  RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("purchases", "0004_withholding_orders"), ("payments", "0004_disputes")]
    operations = [migrations.RunSQL(WITHIN, BEFORE)]
