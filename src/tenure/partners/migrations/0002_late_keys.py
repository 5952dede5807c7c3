"""Foreign keys from lower layers to the partner, and events that nobody can change."""

from django.db import migrations

from tenure.plumbing.db import append_only, late_key


class Migration(migrations.Migration):
    dependencies = [("partners", "0001_initial"), ("people", "0001_initial"), ("plumbing", "0001_initial")]
    operations = [
        late_key("people_colleague", "partner_id", "partners_partner", name="colleague_partner_fk"),
        late_key("people_invitation", "partner_id", "partners_partner", name="invitation_partner_fk"),
        late_key("people_notice", "partner_id", "partners_partner", name="notice_partner_fk"),
        late_key("plumbing_event", "partner_id", "partners_partner", name="event_partner_fk"),
        late_key("plumbing_mail", "partner_id", "partners_partner", name="mail_partner_fk"),
        late_key("plumbing_mail", "person_id", "people_user", name="mail_person_fk"),
        late_key("plumbing_task", "partner_id", "partners_partner", name="task_partner_fk"),
        append_only("plumbing_event"),
    ]
