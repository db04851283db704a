-- # a list inside SUPER, in FROM
-- dialect: redshift
-- raw.o(id, items)
select o.id, i.sku, i.qty * 2 as q from raw.o as o, o.items as i
-- id <- raw.o.id
-- sku <- raw.o.items TRANSFORMATION
-- q <- raw.o.items TRANSFORMATION
-- (rows) <- raw.o.items JOIN

-- # ... inside another, with its place
-- dialect: redshift
-- raw.o(id, orders)
select c.id, l.price, n from raw.o as c, c.orders as o, o.lines as l at n
-- id <- raw.o.id
-- price <- raw.o.orders TRANSFORMATION
-- n <-
-- (rows) <- raw.o.orders JOIN

-- # a path into SUPER
-- dialect: redshift
-- raw.o(id, body)
select o.id, o.body.user.name::varchar as name, o.body.items[0].sku as sku from raw.o as o
-- id <- raw.o.id
-- name <- raw.o.body TRANSFORMATION
-- sku <- raw.o.body TRANSFORMATION

-- # unpivot of an object
-- dialect: redshift
-- raw.o(id, body)
select o.id, k, v from raw.o as o, unpivot o.body as v at k
-- id <- raw.o.id
-- k <- raw.o.body TRANSFORMATION
-- v <- raw.o.body TRANSFORMATION
-- (rows) <- raw.o.body JOIN

-- # an alias before it, nvl, decode, listagg, approximate
-- dialect: redshift
-- raw.t(k, a, b)
select k, nvl(a, 0) + 1 as n, n * 2 as m, decode(b, 1, a, 0) as d from raw.t
-- k <- raw.t.k
-- n <- raw.t.a TRANSFORMATION
-- m <- raw.t.a TRANSFORMATION
-- d <- raw.t.a TRANSFORMATION, raw.t.b CONDITIONAL

-- # approximate count
-- dialect: redshift
-- raw.t(k, a, b)
select k, approximate count(distinct a) as n, listagg(a, ',') within group (order by b) as l from raw.t group by k
-- k <- raw.t.k
-- n <- raw.t.a AGGREGATION
-- l <- raw.t.a AGGREGATION, raw.t.b WINDOW
-- (rows) <- raw.t.k GROUP_BY

-- # sysdate is no column
-- dialect: redshift
-- raw.t(id)
select id, sysdate as loaded_at from raw.t
-- id <- raw.t.id
-- loaded_at <-
