SELECT a.id, a.inquiry_id, v.slug AS vendor, q.code, q.text AS question, q.kind,
       CASE WHEN q.kind <> 'text' THEN a.value END AS value,
       q.kind = 'text' AND a.value IS NOT NULL AS answered_in_words,
       a.comment <> '' AS has_comment, d.sha256 AS document_sha256, a.answered_at,
       a.review, reviewer.email AS reviewed_by, a.reviewed_on,
       ARRAY(SELECT f.fact_id FROM vendors_answerfact f
             WHERE f.answer_id = a.id ORDER BY f.fact_id) AS fact_ids
FROM vendors_answer a
JOIN vendors_question q ON q.id = a.question_id
JOIN vendors_inquiry i ON i.id = a.inquiry_id
JOIN vendors_vendor v ON v.id = i.vendor_id
LEFT JOIN vendors_document d ON d.id = a.document_id
LEFT JOIN {users} reviewer ON reviewer.id = a.reviewed_by_id
WHERE (%(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[]))
  AND EXISTS (SELECT FROM vendors_submission b
              WHERE b.inquiry_id = i.id AND b.content ? q.code)
ORDER BY a.id
