"""A change of many rows raises the epoch when it commits, and nobody waits long while holding it.

See docs/decisions/0007: who raises the epoch holds records up until the end of its transaction.
"""

from django.db import migrations

DUE = """
-- One row for a transaction that asked to raise the epoch at its end; gone when that was done.
CREATE TABLE vendors_epoch_due (transaction_id bigint PRIMARY KEY);

CREATE FUNCTION vendors_raise_due_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(730500);
    UPDATE vendors_epoch SET value = value + 1;
    DELETE FROM vendors_epoch_due WHERE transaction_id = NEW.transaction_id;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER raise_at_commit AFTER INSERT ON vendors_epoch_due
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION vendors_raise_due_epoch();
"""
NOT_DUE = """
DROP TABLE vendors_epoch_due;
DROP FUNCTION vendors_raise_due_epoch();
"""
# Records wait for whoever holds the lock, so that one may not wait for a row of somebody else.
BUMP = """
CREATE OR REPLACE FUNCTION vendors_bump_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('countersign.epoch_at_commit', true) = 'on' THEN
        INSERT INTO vendors_epoch_due VALUES (txid_current()) ON CONFLICT DO NOTHING;
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(730500);
    PERFORM set_config('lock_timeout', '5s', true);
    UPDATE vendors_epoch SET value = value + 1;
    RETURN NULL;
END $$;
"""
BUMP_BEFORE = """
CREATE OR REPLACE FUNCTION vendors_bump_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(730500);
    UPDATE vendors_epoch SET value = value + 1;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("vendors", "0016_saved_views")]
    operations = [
        migrations.RunSQL(DUE, NOT_DUE),
        migrations.RunSQL(BUMP, BUMP_BEFORE),
    ]
