SELECT r.id, r.at, u.email AS person, k.public_id AS key, r.action, r.subject, r.subject_id,
       r.filters, r.row_count
FROM audits_readevent r
LEFT JOIN {users} u ON u.id = r.user_id
LEFT JOIN policies_integrationkey k ON k.id = r.key_id
WHERE r.at >= %(period_from)s::timestamptz AND r.at < %(period_until)s::timestamptz
ORDER BY r.id
