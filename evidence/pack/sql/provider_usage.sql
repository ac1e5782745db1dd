SELECT n.id, s.name AS source, s.provider, n.day, n.project, n.api_key, n.model, n.requests,
       n.input_tokens, n.output_tokens, n.cached_tokens, i.slug AS integration_in_file,
       m.origin, m.file_name, m.sha256 AS file_sha256, m.at AS imported_at, u.email AS imported_by
FROM audits_usagecount n
JOIN audits_usageimport m ON m.id = n.usage_import_id
JOIN audits_usagesource s ON s.id = m.source_id
LEFT JOIN policies_integration i ON i.id = n.integration_id
LEFT JOIN {users} u ON u.id = m.imported_by_id
WHERE n.day >= (%(period_from)s::timestamptz AT TIME ZONE 'UTC')::date
  AND n.day < (%(period_until)s::timestamptz AT TIME ZONE 'UTC')::date
  AND m.at < %(as_of)s::timestamptz
  AND m.id = (SELECT max(newest.id) FROM audits_usageimport newest
              WHERE newest.source_id = m.source_id AND newest.at < %(as_of)s::timestamptz
                AND n.day BETWEEN newest.first_day AND newest.last_day)
  AND (%(integration_ids)s::bigint[] IS NULL OR n.integration_id = ANY(%(integration_ids)s::bigint[])
       OR EXISTS (SELECT FROM audits_usagemapping l
                  WHERE l.source_id = s.id AND l.integration_id = ANY(%(integration_ids)s::bigint[])
                    AND l.project IN ('', n.project) AND l.api_key IN ('', n.api_key)))
ORDER BY n.id
