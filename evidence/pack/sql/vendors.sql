SELECT v.id, v.slug, v.name, v.legal_name, v.website, o.email AS owner, v.criticality, v.state,
       v.conditional_until, v.description, v.review_cadence, v.review_interval_days,
       v.last_reviewed_on, v.next_review_on, v.created_at
FROM vendors_vendor v
LEFT JOIN {users} o ON o.id = v.owner_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY v.id
