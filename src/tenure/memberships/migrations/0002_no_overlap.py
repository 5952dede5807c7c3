"""Terms of one subscription never overlap: the second of two writers is refused by the database (I-26)."""

from django.db import migrations

NO_OVERLAP = """
CREATE FUNCTION memberships_terms_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM added a JOIN memberships_term t
      ON t.subscription_id = a.subscription_id AND t.id <> a.id
     AND t.starts_on <= a.expires_on AND t.expires_on >= a.starts_on
  ) THEN
    RAISE EXCEPTION 'terms overlap' USING ERRCODE = 'check_violation', CONSTRAINT = 'term_overlap';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER memberships_terms_apart AFTER INSERT ON memberships_term
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION memberships_terms_apart();
"""


class Migration(migrations.Migration):
    dependencies = [("memberships", "0001_initial")]
    operations = [
        migrations.RunSQL(
            NO_OVERLAP,
            "DROP TRIGGER memberships_terms_apart ON memberships_term; DROP FUNCTION memberships_terms_apart();",
        )
    ]
