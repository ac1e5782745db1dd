SELECT s.id, v.slug AS vendor, s.slug AS service, s.deployment, s.retired_on,
       ARRAY(SELECT DISTINCT a.reference FROM vendors_agreement a
             JOIN vendors_coveredscope c ON c.agreement_id = a.id
             WHERE a.kind = 'baa' AND c.service_id = s.id AND a.starts_on <= d.on_day
               AND (a.ends_on IS NULL OR a.ends_on >= d.on_day)
               AND (a.terminated_on IS NULL OR a.terminated_on > d.on_day)
               AND (a.superseded_on IS NULL OR a.superseded_on > d.on_day)
             ORDER BY a.reference) AS baas_in_force,
       ARRAY(SELECT r.kind || ' to ' || coalesce(r.period_end, r.as_of)::text || ' (' || r.review || ')'
             FROM vendors_assurancereport r
             JOIN vendors_reportscope i ON i.report_id = r.id AND i.in_scope = 'yes'
             WHERE i.service_id = s.id AND r.kind IN ('soc2_type1', 'soc2_type2')
               AND NOT EXISTS (SELECT FROM vendors_assurancereport n WHERE n.replaces_id = r.id)
             ORDER BY coalesce(r.period_end, r.as_of) DESC, r.id) AS soc2_reports,
       coalesce((
           SELECT jsonb_object_agg(general.dimension, jsonb_build_object(
               'fact_id', general.id, 'value', general.value, 'number', general.number,
               'grade', general.grade, 'verified_on', general.verified_on,
               'age_days', d.on_day - general.verified_on,
               'source', general.source))
           FROM (SELECT DISTINCT ON (f.dimension) f.* FROM vendors_fact f
                 WHERE f.service_id = s.id AND f.recorded_on <= d.on_day
                   AND f.model_pattern || f.region || f.endpoint || f.plan = ''
                 ORDER BY f.dimension, f.recorded_on DESC, f.id DESC) general
       ), '{}'::jsonb) AS dimensions,
       (SELECT count(*) FROM (
           SELECT DISTINCT f.dimension, f.model_pattern, f.region, f.endpoint, f.plan
           FROM vendors_fact f
           WHERE f.service_id = s.id AND f.recorded_on <= d.on_day
             AND f.model_pattern || f.region || f.endpoint || f.plan <> '') scoped
       ) AS facts_of_narrower_scope
FROM vendors_service s
JOIN vendors_vendor v ON v.id = s.vendor_id
CROSS JOIN (SELECT (%(as_of)s::timestamptz AT TIME ZONE 'UTC')::date AS on_day) d
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY s.id
