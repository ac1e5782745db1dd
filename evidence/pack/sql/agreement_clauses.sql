SELECT c.id, v.slug AS vendor, a.kind, a.reference, a.version, c.code AS clause, c.reading, c.page,
       c.days, c.note, r.email AS read_by, c.read_on
FROM vendors_agreementclause c
JOIN vendors_agreement a ON a.id = c.agreement_id
JOIN vendors_vendor v ON v.id = a.vendor_id
LEFT JOIN {users} r ON r.id = c.read_by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY c.id
