SELECT n.id, n.finding_id, n.about_on, n.window_days, n.recipient, n.attempts, n.sent_at
FROM evidence_notice n
JOIN evidence_finding f ON f.id = n.finding_id
WHERE f.opened_at < %(period_until)s::timestamptz
  AND (f.closed_at IS NULL OR f.closed_at >= %(period_from)s::timestamptz)
  AND (%(vendor_ids)s::bigint[] IS NULL
       OR f.integration_id = ANY(%(integration_ids)s::bigint[])
       OR (f.integration_id IS NULL AND f.vendor_id = ANY(%(vendor_ids)s::bigint[])))
ORDER BY n.id
