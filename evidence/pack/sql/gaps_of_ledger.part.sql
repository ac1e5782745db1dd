SELECT index + 1, following - 1, count(*) OVER ()
FROM (SELECT index, lead(index) OVER (ORDER BY index) AS following
      FROM (SELECT index FROM audits_call
            WHERE ledger_id = 1 AND index BETWEEN %(first)s AND %(last)s
            UNION ALL
            SELECT index FROM audits_completion
            WHERE ledger_id = 1 AND index BETWEEN %(first)s AND %(last)s
            UNION ALL
            SELECT index FROM audits_lease
            WHERE ledger_id = 1 AND index BETWEEN %(first)s AND %(last)s
            UNION ALL
            SELECT index FROM audits_event
            WHERE ledger_id = 1 AND index BETWEEN %(first)s AND %(last)s) entries) steps
WHERE following > index + 1
ORDER BY index
LIMIT %(listed)s
