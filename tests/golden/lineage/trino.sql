-- # unnest with ordinality: the number has no source
-- dialect: trino
-- raw.a(id, xs)
select id, x, n from raw.a cross join unnest(xs) with ordinality as t (x, n)
-- id <- raw.a.id
-- x <- raw.a.xs TRANSFORMATION
-- n <-
-- (rows) <- raw.a.xs JOIN

-- # a map has two columns
-- dialect: trino
-- raw.a(id, m)
select a.id, t.k, t.v from raw.a as a cross join unnest(a.m) as t (k, v)
-- id <- raw.a.id
-- k <- raw.a.m TRANSFORMATION
-- v <- raw.a.m TRANSFORMATION
-- (rows) <- raw.a.m JOIN

-- # lambdas of maps
-- dialect: trino
-- raw.a(m, k, y, xs)
select map_filter(m, (k, v) -> v > y) as f, transform_values(m, (k, v) -> k) as t, reduce(xs, 0, (s, x) -> s + x, s -> s) as r from raw.a
-- f <- raw.a.m TRANSFORMATION, raw.a.y TRANSFORMATION
-- t <- raw.a.m TRANSFORMATION
-- r <- raw.a.xs TRANSFORMATION

-- # fields of rows
-- dialect: trino
-- raw.a(r, x, y)
select r.a.b as b, a.r.c as c, cast(row(x, y) as row(p integer, q integer)) as w from raw.a as a
-- b <- raw.a.r TRANSFORMATION
-- c <- raw.a.r TRANSFORMATION
-- w <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION

-- # aggregates with order and filter
-- dialect: trino
-- raw.t(k, v, o, c)
select k, max_by(v, o) as m, array_agg(v order by o) filter (where c > 0) as l, approx_percentile(v, 0.5) as p from raw.t group by k
-- k <- raw.t.k
-- m <- raw.t.v AGGREGATION, raw.t.o AGGREGATION
-- l <- raw.t.v AGGREGATION, raw.t.o WINDOW, raw.t.c CONDITIONAL
-- p <- raw.t.v AGGREGATION
-- (rows) <- raw.t.k GROUP_BY

-- # grouping sets
-- dialect: trino
-- raw.t(k, j, x)
select k, j, sum(x) as s, grouping(k) as g from raw.t group by grouping sets ((k, j), (k), ())
-- k <- raw.t.k
-- j <- raw.t.j
-- s <- raw.t.x AGGREGATION
-- g <-
-- (rows) <- raw.t.k GROUP_BY, raw.t.j GROUP_BY

-- # values with names, and a quantified comparison
-- dialect: trino
-- raw.t(k)
select v.a, v.b from (values (1, 'x'), (2, 'y')) as v (a, b) where v.a > all (select k from raw.t)
-- a <-
-- b <-
-- (rows) <- raw.t.k FILTER

-- # json_extract_scalar, try, if
-- dialect: trino
-- raw.t(body, x, y)
select json_extract_scalar(body, '$.a') as a, try(cast(x as bigint)) as n, if(x is null, y) as i from raw.t
-- a <- raw.t.body TRANSFORMATION
-- n <- raw.t.x TRANSFORMATION
-- i <- raw.t.y TRANSFORMATION, raw.t.x CONDITIONAL

-- # a cross join lateral
-- dialect: trino
-- raw.a(id, k); raw.b(k, y)
select a.id, l.m from raw.a as a cross join lateral (select max(b.y) as m from raw.b as b where b.k = a.k) as l
-- id <- raw.a.id
-- m <- raw.b.y AGGREGATION
-- (rows) <- raw.a.k FILTER, raw.a.k JOIN, raw.b.k FILTER

-- # a sequence, a quoted name
-- dialect: trino
-- raw.a("My Col", s, e)
select a."My Col" as c, t.d from raw.a as a cross join unnest(sequence(a.s, a.e, interval '1' day)) as t(d)
-- c <- raw.a.My Col
-- d <- raw.a.s TRANSFORMATION, raw.a.e TRANSFORMATION
-- (rows) <- raw.a.s JOIN, raw.a.e JOIN
