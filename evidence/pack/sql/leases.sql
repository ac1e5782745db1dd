SELECT e.index, e.call_id, e.call_index, e.received_at, e.lease_until
FROM audits_lease e
LEFT JOIN audits_call c ON c.ledger_id = e.ledger_id AND c.call_id = e.call_id
WHERE e.ledger_id = 1
  AND e.received_at < %(as_of)s::timestamptz
  AND coalesce(c.received_at, e.received_at) >= %(period_from)s::timestamptz
  AND coalesce(c.received_at, e.received_at) < %(period_until)s::timestamptz
  AND (%(integration_ids)s::bigint[] IS NULL OR c.integration_id = ANY(%(integration_ids)s::bigint[]))
ORDER BY e.index
