-- # array join
-- dialect: clickhouse
-- raw.a(id, tags)
select id, t from raw.a array join tags as t where t != ''
-- id <- raw.a.id
-- t <- raw.a.tags TRANSFORMATION
-- (rows) <- raw.a.tags JOIN, raw.a.tags FILTER

-- # array join in place, and two side by side
-- dialect: clickhouse
-- raw.a(id, xs, ys)
select id, xs, y from raw.a left array join xs, ys as y
-- id <- raw.a.id
-- xs <- raw.a.xs TRANSFORMATION
-- y <- raw.a.ys TRANSFORMATION
-- (rows) <- raw.a.xs JOIN, raw.a.ys JOIN

-- # the function arrayJoin
-- dialect: clickhouse
-- raw.a(id, tags)
select id, arrayJoin(tags) as t from raw.a
-- id <- raw.a.id
-- t <- raw.a.tags TRANSFORMATION
-- (rows) <- raw.a.tags JOIN

-- # limit by keeps the first of each
-- dialect: clickhouse
-- raw.a(id, d, x)
select id, x from raw.a order by id, d desc limit 1 by id
-- id <- raw.a.id
-- x <- raw.a.x
-- (rows) <- raw.a.id GROUP_BY, raw.a.id SORT, raw.a.d SORT

-- # final and prewhere
-- dialect: clickhouse
-- raw.a(id, x, y)
select a.id from raw.a as a final prewhere a.y = 2 where a.x = 1
-- id <- raw.a.id
-- (rows) <- raw.a.x FILTER, raw.a.y FILTER

-- # an expression with a name in WITH
-- dialect: clickhouse
-- raw.t(a, d)
with a + 1 as b, '2024-01-01' as start select b * 2 as c from raw.t where d > start
-- c <- raw.t.a TRANSFORMATION
-- (rows) <- raw.t.d FILTER

-- # lambdas come first
-- dialect: clickhouse
-- raw.t(x, y, xs, ys)
select arrayMap(x -> x + 1, xs) as m, arrayFilter((x, z) -> z > y, xs, ys) as f from raw.t
-- m <- raw.t.xs TRANSFORMATION
-- f <- raw.t.xs TRANSFORMATION, raw.t.ys TRANSFORMATION, raw.t.y TRANSFORMATION

-- # any left join, global in
-- dialect: clickhouse
-- raw.a(k, x); raw.b(k, y)
select a.x, b.y from raw.a as a any left join raw.b as b on a.k = b.k where a.x global in (select y from raw.b)
-- x <- raw.a.x
-- y <- raw.b.y
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN, raw.a.x FILTER, raw.b.y FILTER

-- # tuples by place, aggregates of states
-- dialect: clickhouse
-- raw.t(k, p, x)
select k, tupleElement(p, 1) as one, uniqExact(x) as u, sumMerge(x) as s, groupArray(10)(x) as l from raw.t group by k, p
-- k <- raw.t.k
-- one <- raw.t.p TRANSFORMATION
-- u <- raw.t.x AGGREGATION
-- s <- raw.t.x AGGREGATION
-- l <- raw.t.x AGGREGATION
-- (rows) <- raw.t.k GROUP_BY, raw.t.p GROUP_BY

-- # an asof join
-- dialect: clickhouse
-- raw.t(sym, ts); raw.q(sym, ts, px)
select t.sym, q.px from raw.t as t asof left join raw.q as q on t.sym = q.sym and t.ts >= q.ts
-- sym <- raw.t.sym
-- px <- raw.q.px
-- (rows) <- raw.t.sym JOIN, raw.q.sym JOIN, raw.t.ts JOIN, raw.q.ts JOIN

-- # columns by pattern, with an aggregate applied
-- dialect: clickhouse
-- raw.t(a_x, a_y, b)
select * except (b) from raw.t
-- a_x <- raw.t.a_x
-- a_y <- raw.t.a_y

-- # an alias used beside it, totals, parameters of aggregates
-- dialect: clickhouse
-- raw.t(k, x)
select k, sum(x) as s, s / count() as a, quantile(0.9)(x) as q from raw.t group by k with totals
-- k <- raw.t.k
-- s <- raw.t.x AGGREGATION
-- a <- raw.t.x AGGREGATION
-- q <- raw.t.x AGGREGATION
-- (rows) <- raw.t.k GROUP_BY

-- # a scalar subquery with a name in WITH
-- dialect: clickhouse
-- raw.t(k, x); raw.m(y)
with (select max(y) from raw.m) as top select k, x / top as r from raw.t
-- k <- raw.t.k
-- r <- raw.t.x TRANSFORMATION, raw.m.y AGGREGATION

-- # replace in a star
-- dialect: clickhouse
-- raw.t(k, x)
select * replace (x + 1 as x) from raw.t
-- k <- raw.t.k
-- x <- raw.t.x TRANSFORMATION

-- # a dictionary is asked by key
-- dialect: clickhouse
-- raw.t(k, x)
select dictGet('d', 'name', k) as n, multiIf(x > 1, 'a', x > 0, k, 'c') as m from raw.t
-- n <- raw.t.k TRANSFORMATION
-- m <- raw.t.k TRANSFORMATION, raw.t.x CONDITIONAL
