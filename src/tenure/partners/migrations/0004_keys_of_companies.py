"""A company's keys for programs stand below it, so the promise that the company exists is kept here."""

from django.db import migrations

from tenure.plumbing.db import late_key


class Migration(migrations.Migration):
    dependencies = [("partners", "0003_exemption_applications"), ("people", "0002_api_keys")]

    operations = [late_key("people_apikey", "partner_id", "partners_partner", name="api_key_partner_fk")]
