SELECT p.what, v.slug, d.sha256, d.size_bytes,
       'Restricted in use or confidential: the pack holds its SHA-256 and our review.'
FROM (SELECT 'agreement ' || reference AS what, vendor_id, document_id FROM vendors_agreement
      UNION ALL
      SELECT 'return or destruction, ' || reference, vendor_id, return_document_id
      FROM vendors_agreement
      UNION ALL
      SELECT 'assurance report ' || id, vendor_id, document_id FROM vendors_assurancereport
      UNION ALL
      SELECT 'bridge letter ' || b.id, r.vendor_id, b.document_id
      FROM vendors_bridgeletter b JOIN vendors_assurancereport r ON r.id = b.report_id
      UNION ALL
      SELECT 'evidence of CUEC ' || c.id, r.vendor_id, c.evidence_document_id
      FROM vendors_cuec c JOIN vendors_assurancereport r ON r.id = c.report_id
      UNION ALL
      SELECT 'condition ' || id, vendor_id, evidence_id FROM vendors_vendorcondition
      UNION ALL
      SELECT 'offboarding step ' || t.kind, f.vendor_id, t.document_id
      FROM vendors_offboardingstep t JOIN vendors_offboarding f ON f.id = t.offboarding_id
      UNION ALL
      SELECT 'de-identification of ' || i.slug, s.vendor_id, i.deidentification_document_id
      FROM policies_integration i JOIN vendors_service s ON s.id = i.service_id) p
JOIN vendors_document d ON d.id = p.document_id
JOIN vendors_vendor v ON v.id = p.vendor_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY v.slug, p.what, d.id
