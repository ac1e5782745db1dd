SELECT r.id, r.title, r.started_at, s.email AS started_by, r.due_on, v.email AS reviewer,
       e.email AS escalates_to, r.population_count, r.population_query, r.population_query_sha256,
       r.population_digest, r.closed_at, c.email AS closed_by, r.closed_digest, r.signed_at,
       g.email AS signed_by, r.sign_note
FROM policies_accessreview r
JOIN {users} s ON s.id = r.started_by_id
JOIN {users} v ON v.id = r.reviewer_id
JOIN {users} e ON e.id = r.escalate_to_id
LEFT JOIN {users} c ON c.id = r.closed_by_id
LEFT JOIN {users} g ON g.id = r.signed_by_id
WHERE r.started_at < %(period_until)s::timestamptz
ORDER BY r.id
