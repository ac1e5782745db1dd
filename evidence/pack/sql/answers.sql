SELECT a.id, a.inquiry_id, v.slug AS vendor, q.code, q.text AS question, q.kind,
       CASE WHEN q.kind <> 'text' THEN last.said->'value' END AS value,
       q.kind = 'text' AND last.said->>'value' IS NOT NULL AS answered_in_words,
       last.said->>'comment' <> '' AS has_comment, last.said->>'document_sha256' AS document_sha256,
       a.review, reviewer.email AS reviewed_by, a.reviewed_on,
       ARRAY(SELECT f.fact_id FROM vendors_answerfact f
             WHERE f.answer_id = a.id ORDER BY f.fact_id) AS fact_ids
FROM vendors_answer a
JOIN vendors_question q ON q.id = a.question_id
JOIN vendors_inquiry i ON i.id = a.inquiry_id
JOIN vendors_vendor v ON v.id = i.vendor_id
JOIN LATERAL (SELECT b.content->q.code AS said FROM vendors_submission b
              WHERE b.inquiry_id = i.id ORDER BY b.number DESC LIMIT 1) last
  ON last.said IS NOT NULL
LEFT JOIN {users} reviewer ON reviewer.id = a.reviewed_by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY a.id
