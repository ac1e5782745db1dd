SELECT e.index, e.type, e.received_at, e.subject, e.payload
FROM audits_event e
WHERE e.ledger_id = 1
  AND e.received_at >= %(period_from)s::timestamptz
  AND e.received_at < %(period_until)s::timestamptz
ORDER BY e.index
