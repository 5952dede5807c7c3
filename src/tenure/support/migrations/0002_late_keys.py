"""Foreign keys from refunds and approvals to the request they answer."""

from django.db import migrations

from tenure.plumbing.db import late_key


class Migration(migrations.Migration):
    dependencies = [("support", "0001_initial"), ("payments", "0001_initial")]
    operations = [
        late_key("payments_refund", "request_id", "support_request", name="refund_request_fk"),
        late_key("payments_refundapproval", "request_id", "support_request", name="approval_request_fk"),
    ]
