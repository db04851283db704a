-- # lateral view outer posexplode
-- dialect: databricks
-- raw.a(id, items)
select id, pos, item from raw.a lateral view outer posexplode(items) t as pos, item
-- id <- raw.a.id
-- pos <- raw.a.items TRANSFORMATION
-- item <- raw.a.items TRANSFORMATION
-- (rows) <- raw.a.items JOIN

-- # a map has two columns
-- dialect: databricks
-- raw.a(id, m)
select a.id, t.k, t.v from raw.a as a lateral view explode(a.m) t as k, v where t.k = 'x'
-- id <- raw.a.id
-- k <- raw.a.m TRANSFORMATION
-- v <- raw.a.m TRANSFORMATION
-- (rows) <- raw.a.m JOIN, raw.a.m FILTER

-- # one lateral view reads the other
-- dialect: databricks
-- raw.a(id, orders)
select id, o.nr, item from raw.a lateral view explode(orders) x as o lateral view explode(o.items) y as item
-- id <- raw.a.id
-- nr <- raw.a.orders TRANSFORMATION
-- item <- raw.a.orders TRANSFORMATION
-- (rows) <- raw.a.orders JOIN

-- # explode in the select list
-- dialect: databricks
-- raw.a(id, xs)
select id, explode(xs) as x from raw.a
-- id <- raw.a.id
-- x <- raw.a.xs TRANSFORMATION
-- (rows) <- raw.a.xs JOIN

-- # lambdas bind their names
-- dialect: databricks
-- raw.a(xs, y, x, acc)
select transform(xs, x -> x + y) as t, aggregate(xs, 0, (acc, x) -> acc + x) as s, filter(xs, (x, i) -> i > 0) as f from raw.a
-- t <- raw.a.xs TRANSFORMATION, raw.a.y TRANSFORMATION
-- s <- raw.a.xs TRANSFORMATION
-- f <- raw.a.xs TRANSFORMATION

-- # a path into json text
-- dialect: databricks
-- raw.a(body)
select body:user.name::string as name, body:items[0].sku as sku from raw.a
-- name <- raw.a.body TRANSFORMATION
-- sku <- raw.a.body TRANSFORMATION

-- # a pivot of one aggregate is named by the values
-- dialect: databricks
-- raw.s(yr, q, amt)
select * from (select yr, q, amt from raw.s) pivot (sum(amt) as total for q in (1 as q1, 2 as q2))
-- yr <- raw.s.yr
-- q1 <- raw.s.amt AGGREGATION, raw.s.q CONDITIONAL
-- q2 <- raw.s.amt AGGREGATION, raw.s.q CONDITIONAL
-- (rows) <- raw.s.yr GROUP_BY

-- # unpivot
-- dialect: databricks
-- raw.s(id, q1, q2)
select * from raw.s unpivot (amt for q in (q1 as `one`, q2))
-- id <- raw.s.id
-- q <-
-- amt <- raw.s.q1, raw.s.q2
-- (rows) <- raw.s.q1 FILTER, raw.s.q2 FILTER

-- # stack puts columns below each other
-- dialect: databricks
-- raw.t(id, a, b)
select id, stack(2, 'a', a, 'b', b) as (name, val) from raw.t
-- id <- raw.t.id
-- name <-
-- val <- raw.t.a TRANSFORMATION, raw.t.b TRANSFORMATION

-- # inline makes columns of structs
-- dialect: databricks
-- raw.t(id, items)
select id, sku, qty from raw.t lateral view inline(items) i as sku, qty
-- id <- raw.t.id
-- sku <- raw.t.items TRANSFORMATION
-- qty <- raw.t.items TRANSFORMATION
-- (rows) <- raw.t.items JOIN

-- # left anti join: its right side is out of sight
-- dialect: databricks
-- raw.a(k, x); raw.b(k, y)
select * from raw.a left anti join raw.b on a.k = b.k and b.y > 0
-- k <- raw.a.k
-- x <- raw.a.x
-- (rows) <- raw.a.k FILTER, raw.a.k JOIN, raw.b.k FILTER, raw.b.k JOIN, raw.b.y FILTER, raw.b.y JOIN

-- # group by all, collect_list of structs, first
-- dialect: databricks
-- raw.t(k, a, b)
select k, collect_list(struct(a, b)) as l, first(a, true) as f, count_if(b > 0) as c from raw.t group by all
-- k <- raw.t.k
-- l <- raw.t.a AGGREGATION, raw.t.b AGGREGATION
-- f <- raw.t.a AGGREGATION
-- c <- raw.t.b CONDITIONAL
-- (rows) <- raw.t.k GROUP_BY

-- # a star without a column, qualify
-- dialect: databricks
-- raw.t(k, ts, secret)
select * except (secret) from raw.t qualify row_number() over (partition by k order by ts desc) = 1
-- k <- raw.t.k
-- ts <- raw.t.ts
-- (rows) <- raw.t.k FILTER, raw.t.ts FILTER

-- # lateral explode with names
-- dialect: databricks
-- raw.a(id, xs)
select a.id, t.x from raw.a as a, lateral explode(a.xs) as t(x)
-- id <- raw.a.id
-- x <- raw.a.xs TRANSFORMATION
-- (rows) <- raw.a.xs JOIN

-- # names of fields, a window of time
-- dialect: databricks
-- raw.t(a, b, ts)
select named_struct('x', a, 'y', b) as s, window(ts, '1 hour').start as w, map('k', a) as m from raw.t
-- s <- raw.t.a TRANSFORMATION, raw.t.b TRANSFORMATION
-- w <- raw.t.ts TRANSFORMATION
-- m <- raw.t.a TRANSFORMATION
