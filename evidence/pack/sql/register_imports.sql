SELECT i.id, i.kind, i.state, i.file_name, i.file_sha256, i.size_bytes, i.sheet, i.mapping, i.counts,
       i.plan_sha256, u.email AS created_by, i.created_at, i.confirmed_at, i.finished_at
FROM vendors_registerimport i
JOIN {users} u ON u.id = i.created_by_id
WHERE i.created_at >= %(period_from)s::timestamptz AND i.created_at < %(period_until)s::timestamptz
ORDER BY i.id
