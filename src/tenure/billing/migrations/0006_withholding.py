import django.db.models.deletion
from django.db import migrations, models

import tenure.billing.rules


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_structured_invoice"),
        ("partners", "0002_late_keys"),
        ("plumbing", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Withholding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(unique=True)),
                ("order_id", models.BigIntegerField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("tax_year", models.SmallIntegerField()),
                ("certificate", models.CharField(max_length=80)),
                (
                    "status",
                    models.CharField(default=tenure.billing.rules.WithholdingStatus["SUBMITTED"], max_length=16),
                ),
                ("note", models.CharField(blank=True, default="", max_length=500)),
                ("answer", models.CharField(blank=True, default="", max_length=500)),
                ("submitted_at", models.DateTimeField()),
                ("submitted_by", models.CharField(max_length=80)),
                ("moved_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("decided_by", models.CharField(blank=True, default="", max_length=80)),
                ("counts_for_id", models.BigIntegerField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                ("returned_at", models.DateTimeField(null=True)),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="plumbing.storedfile"
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["partner", "-id"], name="withholding_by_partner")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("status", tenure.billing.rules.WithholdingStatus["REFUSED"]), _negated=True
                        ),
                        fields=("order_id",),
                        name="withholding_live_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("counts_for_id__isnull", False)),
                        fields=("counts_for_id",),
                        name="withholding_counts_once",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount_minor__gt", 0)), name="withholding_amount"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["accepted", "pending_partner", "refused", "submitted"])),
                        name="withholding_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status", tenure.billing.rules.WithholdingStatus["ACCEPTED"]),
                            models.Q(("counts_for_id", None), ("settled_at", None)),
                            _connector="OR",
                        ),
                        name="withholding_counts_when_accepted",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("returned_at", None), ("settled_at", None)),
                            models.Q(("counts_for_id__isnull", False), ("settled_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="withholding_settled_with_its_order",
                    ),
                ],
            },
        ),
    ]
