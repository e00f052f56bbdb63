-- exact_sum(x) of database.hpp. PostgreSQL's own SUM is exact, but adds nothing up to NULL.
CREATE FUNCTION exact_sum_step(numeric, bigint) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $1 + $2';
CREATE AGGREGATE exact_sum(bigint) (SFUNC = exact_sum_step, STYPE = numeric, INITCOND = '0', PARALLEL = SAFE);
