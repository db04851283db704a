-- # all fields of a struct are not known
-- dialect: bigquery
-- raw.u(id, addr)
select id, addr.* from raw.u
-- id <- raw.u.id
-- (partial) open-star

-- # except and replace
-- dialect: bigquery
-- raw.u(id, mail, secret)
select * except (secret) replace (lower(mail) as mail) from raw.u
-- id <- raw.u.id
-- mail <- raw.u.mail TRANSFORMATION

-- # unnest with offset, filtered by it
-- dialect: bigquery
-- raw.ev(id, params)
select id, p.key as k, p.value.string_value as v, off from raw.ev, unnest(params) as p with offset as off where off = 0 and p.key = 'a'
-- id <- raw.ev.id
-- k <- raw.ev.params TRANSFORMATION
-- v <- raw.ev.params TRANSFORMATION
-- off <-
-- (rows) <- raw.ev.params JOIN, raw.ev.params FILTER

-- # left join unnest without on
-- dialect: bigquery
-- raw.a(id, tags)
select id, s from raw.a left join unnest(tags) as s
-- id <- raw.a.id
-- s <- raw.a.tags TRANSFORMATION
-- (rows) <- raw.a.tags JOIN

-- # an array made of structs
-- dialect: bigquery
-- raw.o(id, items)
select id, array(select as struct x.sku, x.qty * 2 as q from unnest(items) as x where x.qty > 0) as items from raw.o
-- id <- raw.o.id
-- items <- raw.o.items TRANSFORMATION, raw.o.items CONDITIONAL

-- # in unnest
-- dialect: bigquery
-- raw.a(id, xs)
select id from raw.a where 3 in unnest(xs)
-- id <- raw.a.id
-- (rows) <- raw.a.xs FILTER

-- # exists over an array
-- dialect: bigquery
-- raw.a(id, tags)
select id from raw.a where exists (select 1 from unnest(tags) as t where t = 'x')
-- id <- raw.a.id
-- (rows) <- raw.a.tags FILTER

-- # pivot: the aggregate's alias stands in front
-- dialect: bigquery
-- raw.p(prod, sales, q)
select * from (select prod, sales, q from raw.p) pivot (sum(sales) as s for q in ('Q1', 'Q2' as second))
-- prod <- raw.p.prod
-- s_Q1 <- raw.p.sales AGGREGATION, raw.p.q CONDITIONAL
-- s_second <- raw.p.sales AGGREGATION, raw.p.q CONDITIONAL
-- (rows) <- raw.p.prod GROUP_BY

-- # unpivot has the value before the name
-- dialect: bigquery
-- raw.p(prod, q1, q2)
select * from raw.p unpivot (sales for q in (q1 as 'a', q2 as 'b'))
-- prod <- raw.p.prod
-- sales <- raw.p.q1, raw.p.q2
-- q <-
-- (rows) <- raw.p.q1 FILTER, raw.p.q2 FILTER

-- # qualify over a star
-- dialect: bigquery
-- raw.u(id, ts)
select * from raw.u where true qualify row_number() over (partition by id order by ts desc) = 1
-- id <- raw.u.id
-- ts <- raw.u.ts
-- (rows) <- raw.u.id FILTER, raw.u.ts FILTER

-- # the first of an ordered array
-- dialect: bigquery
-- raw.t(k, x, ts)
select k, array_agg(x ignore nulls order by ts desc limit 1)[offset(0)] as v, sum(if(x > 0, ts, 0)) as s from raw.t group by k
-- k <- raw.t.k
-- v <- raw.t.x AGGREGATION, raw.t.ts WINDOW
-- s <- raw.t.ts AGGREGATION, raw.t.x CONDITIONAL
-- (rows) <- raw.t.k GROUP_BY

-- # pipe syntax
-- dialect: bigquery
-- raw.t(k, x, y)
from raw.t |> where x > 1 |> aggregate sum(y) as s group by k
-- k <- raw.t.k
-- s <- raw.t.y AGGREGATION
-- (rows) <- raw.t.x FILTER, raw.t.k GROUP_BY

-- # a calendar
-- dialect: bigquery
-- raw.a(dt, x)
select d, a.x from unnest(generate_date_array('2024-01-01', '2024-01-31')) as d left join raw.a as a on a.dt = d
-- d <-
-- x <- raw.a.x
-- (rows) <- raw.a.dt JOIN

-- # a field behind an alias, and json
-- dialect: bigquery
-- raw.u(id, addr, body)
select u.addr.city as city, json_value(u.body, '$.a') as a, u.addr.zip from raw.u as u
-- city <- raw.u.addr TRANSFORMATION
-- a <- raw.u.body TRANSFORMATION
-- zip <- raw.u.addr TRANSFORMATION

-- # a qualified star over USING
-- dialect: bigquery
-- raw.t(id, x, z); raw.u(id, y)
select t.* except (x), u.y as x from raw.t as t join raw.u as u using (id)
-- id <- raw.t.id
-- z <- raw.t.z
-- x <- raw.u.y
-- (rows) <- raw.t.id JOIN, raw.u.id JOIN

-- # the fields of unnested structs are not known
-- dialect: bigquery
-- raw.o(id, items)
select o.id, i.* from raw.o as o, unnest(o.items) as i
-- id <- raw.o.id
-- (rows) <- raw.o.items JOIN
-- (partial) open-star

-- # a table as a value, any value of it
-- dialect: bigquery
-- raw.t(k, x)
select k, to_json_string(t) as j, any_value(t).x as x from raw.t as t group by k, j
-- k <- raw.t.k
-- j <- raw.t.k TRANSFORMATION, raw.t.x TRANSFORMATION
-- x <- raw.t.k AGGREGATION, raw.t.x AGGREGATION
-- (rows) <- raw.t.k GROUP_BY, raw.t.x GROUP_BY

-- # safe functions, safe_cast, a raw string
-- dialect: bigquery
-- raw.t(a, b)
select safe.parse_date('%Y', a) as d, safe_cast(b as int64) as n, regexp_extract(a, r'\d+') as r from raw.t
-- d <- raw.t.a TRANSFORMATION
-- n <- raw.t.b TRANSFORMATION
-- r <- raw.t.a TRANSFORMATION

-- # a list of constants in FROM
-- dialect: bigquery
-- raw.t(k, x)
select u.a, t.x from unnest([struct(1 as a, 'x' as b)]) as u join raw.t as t on t.k = u.a
-- a <-
-- x <- raw.t.x
-- (rows) <- raw.t.k JOIN

-- # a list in a comma join, made by a function
-- dialect: bigquery
-- raw.t(id, tags)
select id, tag from raw.t, unnest(split(tags, ',')) as tag where tag != ''
-- id <- raw.t.id
-- tag <- raw.t.tags TRANSFORMATION
-- (rows) <- raw.t.tags JOIN, raw.t.tags FILTER

-- # a struct's own names are no columns
-- dialect: bigquery
-- raw.t(a, b)
select struct(a as p, b + 1 as q) as s, array_agg(struct(a, b) order by b) as l from raw.t group by a, b
-- s <- raw.t.a TRANSFORMATION, raw.t.b TRANSFORMATION
-- l <- raw.t.a AGGREGATION, raw.t.b AGGREGATION, raw.t.b WINDOW
-- (rows) <- raw.t.a GROUP_BY, raw.t.b GROUP_BY
