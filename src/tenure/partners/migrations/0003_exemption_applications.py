import django.db.models.deletion
from django.db import migrations, models

import tenure.partners.rules


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0002_late_keys"),
        ("plumbing", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="taxexemption",
            name="warned_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="ExemptionApplication",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(unique=True)),
                ("kind", models.CharField(max_length=16)),
                ("certificate", models.CharField(max_length=80)),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField()),
                ("note", models.CharField(blank=True, default="", max_length=500)),
                (
                    "status",
                    models.CharField(default=tenure.partners.rules.ApplicationStatus["SUBMITTED"], max_length=16),
                ),
                ("answer", models.CharField(blank=True, default="", max_length=500)),
                ("submitted_at", models.DateTimeField()),
                ("submitted_by", models.CharField(max_length=80)),
                ("moved_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("decided_by", models.CharField(blank=True, default="", max_length=80)),
                (
                    "exemption",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="application",
                        to="partners.taxexemption",
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="plumbing.storedfile"
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="applications", to="partners.partner"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["submitted", "pending_partner"])),
                        fields=("partner",),
                        name="application_undecided_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid_to__gte", models.F("valid_from"))), name="application_dates"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["accepted", "pending_partner", "refused", "submitted"])),
                        name="application_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("exemption__isnull", False), ("status", "accepted")),
                            models.Q(models.Q(("status", "accepted"), _negated=True), ("exemption", None)),
                            _connector="OR",
                        ),
                        name="application_accepted_has_exemption",
                    ),
                ],
            },
        ),
    ]
