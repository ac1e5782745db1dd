SELECT id + 1, following - 1, count(*) OVER ()
FROM (SELECT id, lead(id) OVER (ORDER BY id) AS following FROM {table}
      WHERE id BETWEEN %(first)s AND %(last)s) steps
WHERE following > id + 1
ORDER BY id
LIMIT %(listed)s
