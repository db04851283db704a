-- # filter, distinct, order inside
-- raw.a(k, x, y, t)
select k, count(*) as n, count(distinct x) as d, sum(x) filter (where y > 0) as s, list(x order by t) as l from raw.a group by k
-- k <- raw.a.k
-- n <-
-- d <- raw.a.x AGGREGATION
-- s <- raw.a.x AGGREGATION, raw.a.y CONDITIONAL
-- l <- raw.a.x AGGREGATION, raw.a.t WINDOW
-- (rows) <- raw.a.k GROUP_BY

-- # group by all
-- raw.a(k, j, x)
select k, j % 2 as odd, sum(x) as s from raw.a group by all
-- k <- raw.a.k
-- odd <- raw.a.j TRANSFORMATION
-- s <- raw.a.x AGGREGATION
-- (rows) <- raw.a.k GROUP_BY, raw.a.j GROUP_BY

-- # group by position and by alias
-- raw.a(k, j, x)
select k, j % 2 as odd, sum(x) as s from raw.a group by 1, odd
-- k <- raw.a.k
-- odd <- raw.a.j TRANSFORMATION
-- s <- raw.a.x AGGREGATION
-- (rows) <- raw.a.k GROUP_BY, raw.a.j GROUP_BY

-- # rollup and having
-- raw.a(k, j, x, y)
select k, j, max(x) as m from raw.a group by rollup (k, j) having sum(y) > 10
-- k <- raw.a.k
-- j <- raw.a.j
-- m <- raw.a.x AGGREGATION
-- (rows) <- raw.a.k GROUP_BY, raw.a.j GROUP_BY, raw.a.y FILTER

-- # distinct
-- raw.a(k, x)
select distinct k, x from raw.a
-- k <- raw.a.k
-- x <- raw.a.x
-- (rows) <- raw.a.k GROUP_BY, raw.a.x GROUP_BY

-- # distinct on
-- raw.a(k, x, t)
select distinct on (k) k, x from raw.a order by k, t desc
-- k <- raw.a.k
-- x <- raw.a.x
-- (rows) <- raw.a.k GROUP_BY, raw.a.k SORT, raw.a.t SORT

-- # order counts only with a limit
-- raw.a(k, x)
select k from (select k from raw.a order by x) as s order by k
-- k <- raw.a.k

-- # order with a limit
-- raw.a(k, x, y)
select k, x + y as z from raw.a order by z desc, 1 limit 5
-- k <- raw.a.k
-- z <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION
-- (rows) <- raw.a.x SORT, raw.a.y SORT, raw.a.k SORT

-- # percentile within group, mode, arg_max
-- raw.a(k, x, y)
select k, percentile_cont(0.5) within group (order by x) as med, mode(y) as m, arg_max(x, y) as am from raw.a group by k
-- k <- raw.a.k
-- med <- raw.a.x AGGREGATION
-- m <- raw.a.y AGGREGATION
-- am <- raw.a.x AGGREGATION, raw.a.y AGGREGATION
-- (rows) <- raw.a.k GROUP_BY

-- # listagg within group
-- dialect: snowflake
-- raw.a(k, x, t)
select k, listagg(x, ',') within group (order by t) as l from raw.a group by k
-- k <- raw.a.k
-- l <- raw.a.x AGGREGATION, raw.a.t WINDOW
-- (rows) <- raw.a.k GROUP_BY

-- # ClickHouse combinators
-- dialect: clickhouse
-- raw.a(k, x, y)
select k, sumIf(x, y > 1) as s, countIf(y = 2) as c, argMax(x, y) as m from raw.a group by k
-- k <- raw.a.k
-- s <- raw.a.x AGGREGATION, raw.a.y CONDITIONAL
-- c <- raw.a.y CONDITIONAL
-- m <- raw.a.x AGGREGATION, raw.a.y AGGREGATION
-- (rows) <- raw.a.k GROUP_BY

-- # BigQuery: having max, countif, order and limit inside
-- dialect: bigquery
-- raw.a(k, x, y)
select k, any_value(x having max y) as a, countif(y > 1) as c, array_agg(x order by y limit 3) as l from raw.a group by k
-- k <- raw.a.k
-- a <- raw.a.x AGGREGATION, raw.a.y AGGREGATION
-- c <- raw.a.y CONDITIONAL
-- l <- raw.a.x AGGREGATION, raw.a.y WINDOW
-- (rows) <- raw.a.k GROUP_BY

-- # an offset alone lets the order decide, too
-- raw.a(k, x)
select k from raw.a order by x offset 2
-- k <- raw.a.k
-- (rows) <- raw.a.x SORT
