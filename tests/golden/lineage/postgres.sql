-- # a lateral subquery of an array of json
-- dialect: postgres
-- raw.o(id, body)
select o.id, i.value ->> 'sku' as sku from raw.o as o, jsonb_array_elements(o.body -> 'items') as i(value)
-- id <- raw.o.id
-- sku <- raw.o.body TRANSFORMATION
-- (rows) <- raw.o.body JOIN

-- # a function that names its columns
-- dialect: postgres
-- raw.o(id, body)
select o.id, r.a, r.b from raw.o as o cross join lateral jsonb_to_recordset(o.body) as r(a int, b text)
-- id <- raw.o.id
-- a <- raw.o.body TRANSFORMATION
-- b <- raw.o.body TRANSFORMATION
-- (rows) <- raw.o.body JOIN

-- # json operators
-- dialect: postgres
-- raw.o(id, body)
select id, body #>> '{a,b}' as p, body -> 'x' ->> 'y' as q from raw.o where body @> '{"a": 1}' and body ? 'k'
-- id <- raw.o.id
-- p <- raw.o.body TRANSFORMATION
-- q <- raw.o.body TRANSFORMATION
-- (rows) <- raw.o.body FILTER

-- # a series from column to column
-- dialect: postgres
-- raw.a(id, s, e)
select a.id, g.d::date as d from raw.a as a cross join lateral generate_series(a.s, a.e, interval '1 day') as g(d)
-- id <- raw.a.id
-- d <- raw.a.s TRANSFORMATION, raw.a.e TRANSFORMATION
-- (rows) <- raw.a.s JOIN, raw.a.e JOIN

-- # unnest with ordinality
-- dialect: postgres
-- raw.a(id, xs)
select a.id, u.x, u.n from raw.a as a, unnest(a.xs) with ordinality as u(x, n)
-- id <- raw.a.id
-- x <- raw.a.xs TRANSFORMATION
-- n <-
-- (rows) <- raw.a.xs JOIN

-- # a left join lateral on true
-- dialect: postgres
-- raw.o(id, cust); raw.v(cust, ts, page)
select o.id, l.page, l.n from raw.o as o left join lateral (select v.page, count(*) as n from raw.v as v where v.cust = o.cust group by v.page) as l on true
-- id <- raw.o.id
-- page <- raw.v.page
-- n <-
-- (rows) <- raw.o.cust FILTER, raw.o.cust JOIN, raw.v.cust FILTER, raw.v.page GROUP_BY

-- # the fields of a composite, a row as json
-- dialect: postgres
-- raw.a(id, addr)
select (a.addr).city as city, row_to_json(a) as j from raw.a as a
-- city <- raw.a.addr TRANSFORMATION
-- j <- raw.a.id TRANSFORMATION, raw.a.addr TRANSFORMATION

-- # array of a subquery, any of an array
-- dialect: postgres
-- raw.a(id, ids); raw.b(a_id, x, t)
select a.id, array(select b.x from raw.b as b where b.a_id = a.id order by b.t) as xs from raw.a as a where 3 = any(a.ids)
-- id <- raw.a.id
-- xs <- raw.b.x TRANSFORMATION, raw.b.a_id CONDITIONAL, raw.a.id CONDITIONAL, raw.b.t WINDOW
-- (rows) <- raw.a.ids FILTER

-- # a name of a date part, an interval, at time zone
-- dialect: postgres
-- raw.a(ts, tz)
select date_trunc('month', ts at time zone tz) as m, extract(year from ts) as y from raw.a where ts > now() - interval '1 day'
-- m <- raw.a.ts TRANSFORMATION, raw.a.tz TRANSFORMATION
-- y <- raw.a.ts TRANSFORMATION
-- (rows) <- raw.a.ts FILTER

-- # values in a CTE with names
-- dialect: postgres
-- raw.a(id, x)
with v(a, b) as (values (1, 2), (3, 4)) select v.a, t.x from v join raw.a as t on t.id = v.b
-- a <-
-- x <- raw.a.x
-- (rows) <- raw.a.id JOIN

-- # key and value of an object
-- dialect: postgres
-- raw.o(id, body)
select o.id, e.key, e.value from raw.o as o, jsonb_each(o.body) as e
-- id <- raw.o.id
-- key <- raw.o.body TRANSFORMATION
-- value <- raw.o.body TRANSFORMATION
-- (rows) <- raw.o.body JOIN

-- # rows compared, and a function with named columns
-- dialect: postgres
-- raw.a(x, y); raw.b(p, q)
select a.x from raw.a as a join raw.b as b on (a.x, a.y) = (b.p, b.q) where a.x is distinct from b.q
-- x <- raw.a.x
-- (rows) <- raw.a.x JOIN, raw.a.y JOIN, raw.b.p JOIN, raw.b.q JOIN, raw.a.x FILTER, raw.b.q FILTER

-- # a coalesced subquery, a case in an aggregate with filter
-- dialect: postgres
-- raw.a(id, x); raw.b(id, y, z)
select a.id, coalesce((select sum(b.y) from raw.b as b where b.id = a.id), 0) as s, count(case when a.x > 0 then a.x end) filter (where a.x < 9) over (partition by a.id) as c from raw.a as a
-- id <- raw.a.id
-- s <- raw.b.y AGGREGATION, raw.b.id CONDITIONAL, raw.a.id CONDITIONAL
-- c <- raw.a.x AGGREGATION, raw.a.x CONDITIONAL, raw.a.id WINDOW
