"""Finding entries by their moment: within a ledger by halving, and which partition holds which."""

from django.db import migrations

# Moments never go back within a ledger, so those of its calls are sorted by their index. Planned
# anew at each step: with the numbers known only the one partition is opened that they lie in.
FIRST_CALL = """
CREATE FUNCTION audits_first_call(of_ledger integer, since timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    low bigint;
    high bigint;
    middle bigint;
    found record;
BEGIN
    IF since IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(max(end_index) FILTER (WHERE last_received_at < since), 0),
           coalesce(min(first_index) FILTER (WHERE first_received_at >= since), max(end_index))
    INTO low, high FROM audits_partition WHERE ledger_id = of_ledger;
    SELECT greatest(low, least(high, size)) INTO high FROM audits_ledgerhead
    WHERE ledger_id = of_ledger;
    WHILE low < high LOOP
        middle := (low + high) / 2;
        SELECT index, received_at INTO found FROM audits_call
        WHERE ledger_id = of_ledger AND index >= middle AND index < high ORDER BY index LIMIT 1;
        IF found.index IS NULL OR found.received_at >= since THEN
            high := middle;
        ELSE
            low := found.index + 1;
        END IF;
    END LOOP;
    RETURN low;
END $$;
"""

# Of partitions that are full, the moments of their first and last records. Runs as its owner, like
# the making of partitions.
NOTE_MOMENTS = """
CREATE FUNCTION audits_received_at(of_ledger integer, of_index bigint) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT received_at FROM audits_call WHERE ledger_id = of_ledger AND index = of_index
    UNION ALL
    SELECT received_at FROM audits_completion WHERE ledger_id = of_ledger AND index = of_index
    UNION ALL
    SELECT received_at FROM audits_lease WHERE ledger_id = of_ledger AND index = of_index
    UNION ALL
    SELECT received_at FROM audits_event WHERE ledger_id = of_ledger AND index = of_index
    LIMIT 1
$$;

CREATE FUNCTION audits_note_moments() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    noted bigint;
BEGIN
    UPDATE audits_partition p SET
        first_received_at = audits_received_at(p.ledger_id, p.first_index),
        last_received_at = audits_received_at(p.ledger_id, p.end_index - 1)
    FROM audits_ledgerhead h
    WHERE h.ledger_id = p.ledger_id AND p.end_index <= h.size AND p.state <> 'disposed'
        AND (p.first_received_at IS NULL OR p.last_received_at IS NULL);
    GET DIAGNOSTICS noted = ROW_COUNT;
    RETURN noted;
END $$;

REVOKE ALL ON FUNCTION audits_note_moments() FROM PUBLIC;
"""
FORGET_MOMENTS = """
DROP FUNCTION audits_note_moments();
DROP FUNCTION audits_received_at(integer, bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("audits", "0007_sealed_rows")]
    operations = [
        migrations.RunSQL(FIRST_CALL, "DROP FUNCTION audits_first_call(integer, timestamptz);"),
        migrations.RunSQL(NOTE_MOMENTS, FORGET_MOMENTS),
    ]
