-- # a positional join has no keys
-- raw.a(x); raw.b(y)
select a.x, b.y from raw.a positional join raw.b
-- x <- raw.a.x
-- y <- raw.b.y

-- # asof join using: the last key is the time
-- raw.t(sym, ts, qty); raw.p(sym, ts, price)
select t.sym, p.price from raw.t as t asof join raw.p as p using (sym, ts)
-- sym <- raw.t.sym
-- price <- raw.p.price
-- (rows) <- raw.t.sym JOIN, raw.p.sym JOIN, raw.t.ts JOIN, raw.p.ts JOIN

-- # pivot on two columns
-- raw.m(acct, yr, mon, amt)
pivot raw.m on yr in (1, 2), mon in (3) using sum(amt) as s, count(*) as n group by acct
-- acct <- raw.m.acct
-- 1_3_s <- raw.m.amt AGGREGATION, raw.m.yr CONDITIONAL, raw.m.mon CONDITIONAL
-- 1_3_n <- raw.m.yr CONDITIONAL, raw.m.mon CONDITIONAL
-- 2_3_s <- raw.m.amt AGGREGATION, raw.m.yr CONDITIONAL, raw.m.mon CONDITIONAL
-- 2_3_n <- raw.m.yr CONDITIONAL, raw.m.mon CONDITIONAL
-- (rows) <- raw.m.acct GROUP_BY

-- # a list comprehension with a place, over two lists
-- raw.a(xs integer[], x, i)
select [x + i for x, i in xs] as l, [y for y in xs if y > i] as m from raw.a
-- l <- raw.a.xs TRANSFORMATION
-- m <- raw.a.xs TRANSFORMATION, raw.a.i CONDITIONAL

-- # a struct by its parts
-- raw.a(id, x, y)
with s as (select id, struct_pack(p := x, q := y) as st from raw.a) select id, st.p as p, struct_extract(st, 'q') as q, st['p'] as r from s
-- id <- raw.a.id
-- p <- raw.a.x TRANSFORMATION
-- q <- raw.a.y TRANSFORMATION
-- r <- raw.a.x TRANSFORMATION

-- # from first, all of it
-- raw.a(k, x, y)
from raw.a select k, sum(x) as s where y > 0 group by all having s > 1 order by all limit 3
-- k <- raw.a.k
-- s <- raw.a.x AGGREGATION
-- (rows) <- raw.a.y FILTER, raw.a.x FILTER, raw.a.k GROUP_BY, raw.a.k SORT, raw.a.x SORT

-- # the smallest of every column
-- raw.a(k, a_x, a_y)
select k, min(columns('a_.*')) from raw.a group by k
-- k <- raw.a.k
-- a_x <- raw.a.a_x AGGREGATION
-- a_y <- raw.a.a_y AGGREGATION
-- (rows) <- raw.a.k GROUP_BY

-- # columns in a condition
-- raw.a(x, y)
select x from raw.a where columns(*) > 1
-- x <- raw.a.x
-- (rows) <- raw.a.x FILTER, raw.a.y FILTER

-- # a derived table that reads what stands before it
-- raw.a(id, x); raw.b(a_id, y)
select a.id, s.z from raw.a as a, (select a.x + b.y as z from raw.b as b where b.a_id = a.id) as s
-- id <- raw.a.id
-- z <- raw.a.x TRANSFORMATION, raw.b.y TRANSFORMATION
-- (rows) <- raw.a.id FILTER, raw.a.id JOIN, raw.a.x JOIN, raw.b.a_id FILTER

-- # an anti join by a shared name
-- raw.a(k, x); raw.b(k, y)
select * from raw.a anti join raw.b using (k)
-- k <- raw.a.k
-- x <- raw.a.x
-- (rows) <- raw.a.k FILTER, raw.a.k JOIN, raw.b.k FILTER, raw.b.k JOIN

-- # order by place decides with a limit
-- raw.a(x, y)
select y, x from raw.a order by 2 desc limit 5
-- y <- raw.a.y
-- x <- raw.a.x
-- (rows) <- raw.a.x SORT

-- # a sample, a window frame, a null treatment
-- raw.a(k, x, t)
select k, last_value(x ignore nulls) over (partition by k order by t rows between unbounded preceding and current row) as l from raw.a using sample 10 rows
-- k <- raw.a.k
-- l <- raw.a.x TRANSFORMATION, raw.a.k WINDOW, raw.a.t WINDOW

-- # range as a table, a table function over a column
-- raw.a(id, n)
select a.id, r.i from raw.a as a, range(a.n) as r(i)
-- id <- raw.a.id
-- i <- raw.a.n TRANSFORMATION
-- (rows) <- raw.a.n JOIN

-- # a map, a list slice, a list aggregate
-- raw.a(k, v, l integer[])
select map {k: v} as m, l[1:2] as s, list_aggregate(l, 'sum') as t, len(l) as n from raw.a
-- m <- raw.a.k TRANSFORMATION, raw.a.v TRANSFORMATION
-- s <- raw.a.l TRANSFORMATION
-- t <- raw.a.l TRANSFORMATION
-- n <- raw.a.l TRANSFORMATION

-- # the first by order, the latest by argument
-- raw.a(k, x, t)
select k, first(x order by t desc) as f, arg_min(x, t) as a, count(distinct x) filter (where t > 0) as n from raw.a group by k
-- k <- raw.a.k
-- f <- raw.a.x AGGREGATION, raw.a.t WINDOW
-- a <- raw.a.x AGGREGATION, raw.a.t AGGREGATION
-- n <- raw.a.x AGGREGATION, raw.a.t CONDITIONAL
-- (rows) <- raw.a.k GROUP_BY

-- # a star with a condition on its names
-- raw.a(a_x, a_y, b)
select * like 'a\_%' escape '\' from raw.a
-- a_x <- raw.a.a_x
-- a_y <- raw.a.a_y

-- # a subquery compared with any, a row in rows
-- raw.a(x, y); raw.b(p, q)
select x from raw.a where x = any (select p from raw.b) and (x, y) in (select p, q from raw.b)
-- x <- raw.a.x
-- (rows) <- raw.a.x FILTER, raw.a.y FILTER, raw.b.p FILTER, raw.b.q FILTER

-- # group by a case and its alias
-- raw.a(x, y)
select case when x > 1 then 'big' else 'small' end as size, sum(y) as s from raw.a group by size
-- size <- raw.a.x CONDITIONAL
-- s <- raw.a.y AGGREGATION
-- (rows) <- raw.a.x GROUP_BY

-- # union of a values list and a table
-- raw.a(x, y)
select * from (values (1, 2)) as v(p, q) union all select y, x from raw.a
-- p <- raw.a.y
-- q <- raw.a.x

-- # a key that is joined twice
-- raw.a(k, x); raw.b(k, y); raw.c(k, z)
select k, x, y, z from raw.a full join raw.b using (k) full join raw.c using (k)
-- k <- raw.a.k TRANSFORMATION, raw.b.k TRANSFORMATION, raw.c.k TRANSFORMATION
-- x <- raw.a.x
-- y <- raw.b.y
-- z <- raw.c.z
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN, raw.c.k JOIN

-- # a series without a name for its column
-- raw.a(x)
select g.generate_series as n, a.x from generate_series(1, 3) as g cross join raw.a as a
-- n <-
-- x <- raw.a.x

-- # columns that a list comprehension chooses
-- raw.a(a_x, a_y, b)
select columns([c for c in (*) if c like 'a%']) from raw.a
-- a_x <- raw.a.a_x
-- a_y <- raw.a.a_y

-- # columns of one of two sources
-- raw.a(k, x); raw.b(k, y)
select columns(b.*) from raw.a join raw.b using (k)
-- k <- raw.b.k
-- y <- raw.b.y
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN

-- # unnest a struct that stands in the query
-- raw.a(x, y)
select unnest({'p': x, 'q': y}) from raw.a
-- p <- raw.a.x
-- q <- raw.a.y

-- # a part of a struct that stands in the query
-- raw.a(x, y)
select {'p': x, 'q': y}.p as p, struct_insert({'p': x}, r := y) as s from raw.a
-- p <- raw.a.x TRANSFORMATION
-- s <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION

-- # unnamed values
-- raw.a(x)
select col0, col1, x from (values (1, 2)), raw.a
-- col0 <-
-- col1 <-
-- x <- raw.a.x

-- # distinct on with a limit, cube
-- raw.a(k, x, t)
select k, x, count(*) as n from raw.a group by cube (k, x) order by n limit 2
-- k <- raw.a.k
-- x <- raw.a.x
-- n <-
-- (rows) <- raw.a.k GROUP_BY, raw.a.x GROUP_BY

-- # an except inside exists, a nested set operation
-- raw.a(x); raw.b(y); raw.c(z)
select x from raw.a where exists (select y from raw.b except select z from raw.c)
-- x <- raw.a.x
-- (rows) <- raw.b.y FILTER, raw.c.z FILTER

-- # a window over an aggregate
-- raw.a(k, j, x)
select k, sum(sum(x)) over (partition by k order by min(j)) as s, rank() over (order by count(*)) as r from raw.a group by k
-- k <- raw.a.k
-- s <- raw.a.x AGGREGATION, raw.a.k WINDOW, raw.a.j WINDOW
-- r <-
-- (rows) <- raw.a.k GROUP_BY

-- # try_cast, a slice of text, between, in a list
-- raw.a(x varchar, y varchar)
select try_cast(x as integer) as n, x[1:2] as s, x in (y, 'b') as i, x between y and 'z' as b from raw.a
-- n <- raw.a.x TRANSFORMATION
-- s <- raw.a.x TRANSFORMATION
-- i <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION
-- b <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION

-- # the same relation twice under USING, and one column of each
-- raw.a(k, x)
select l.x as l, r.x as r from raw.a as l left join raw.a as r using (k) where r.k is null
-- l <- raw.a.x
-- r <- raw.a.x
-- (rows) <- raw.a.k JOIN, raw.a.k FILTER
