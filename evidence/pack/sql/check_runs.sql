SELECT r.id, r."on", r.started_at, r.finished_at, u.email AS requested_by, r.opened, r.closed,
       r.notices
FROM evidence_checkrun r
LEFT JOIN {users} u ON u.id = r.requested_by_id
WHERE r.started_at >= %(period_from)s::timestamptz AND r.started_at < %(period_until)s::timestamptz
ORDER BY r.id
