"""A certificate belongs to an order, and pays for one; orders live above billing."""

from django.db import migrations

from tenure.plumbing.db import late_key


class Migration(migrations.Migration):
    dependencies = [("purchases", "0003_likely_orders"), ("billing", "0006_withholding")]
    operations = [
        late_key("billing_withholding", "order_id", "purchases_order", name="withholding_order_fk"),
        late_key("billing_withholding", "counts_for_id", "purchases_order", name="withholding_counts_for_fk"),
    ]
