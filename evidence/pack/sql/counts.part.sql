SELECT count(*), min(id), max(id) FROM ({query}) population
