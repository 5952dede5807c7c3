"""The order a bank line is most likely for: a bare number below, kept honest here."""

from django.db import migrations

from tenure.plumbing.db import late_key


class Migration(migrations.Migration):
    dependencies = [("purchases", "0002_late_keys"), ("payments", "0002_statements")]
    operations = [
        late_key("payments_bankline", "likely_order_id", "purchases_order", name="bank_line_likely_order_fk"),
    ]
