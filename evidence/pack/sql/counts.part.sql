SELECT count(*), min({sequence}), max({sequence}) FROM ({query}) population
