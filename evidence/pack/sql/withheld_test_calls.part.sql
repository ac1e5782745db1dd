SELECT count(*) FROM audits_call c
WHERE c.ledger_id = 2
  AND c.received_at >= %(period_from)s::timestamptz
  AND c.received_at < %(period_until)s::timestamptz
  AND (%(integration_ids)s::bigint[] IS NULL OR c.integration_id = ANY(%(integration_ids)s::bigint[]))
