-- # join on
-- raw.o(id, cust, amt); raw.c(id, name varchar)
select o.id, c.name, o.amt from raw.o as o join raw.c as c on o.cust = c.id
-- id <- raw.o.id
-- name <- raw.c.name
-- amt <- raw.o.amt
-- (rows) <- raw.o.cust JOIN, raw.c.id JOIN

-- # join on an expression, filter in where
-- raw.o(id, cust, amt); raw.c(id, name varchar)
select o.id from raw.o as o, raw.c as c where o.cust + 1 = c.id
-- id <- raw.o.id
-- (rows) <- raw.o.cust FILTER, raw.c.id FILTER

-- # left join using keeps the left key
-- raw.a(k, x); raw.b(k, y)
select k, x, y from raw.a left join raw.b using (k)
-- k <- raw.a.k
-- x <- raw.a.x
-- y <- raw.b.y
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN

-- # right join using keeps the right key
-- raw.a(k, x); raw.b(k, y)
select k from raw.a right join raw.b using (k)
-- k <- raw.b.k
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN

-- # full join using makes the key of both
-- raw.a(k, x); raw.b(k, y)
select k, a.k as left_k, x, y from raw.a full join raw.b using (k)
-- k <- raw.a.k TRANSFORMATION, raw.b.k TRANSFORMATION
-- left_k <- raw.a.k
-- x <- raw.a.x
-- y <- raw.b.y
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN

-- # star over using has the key once, in its place
-- raw.a(x, k); raw.b(k, y)
select * from raw.a join raw.b using (k)
-- x <- raw.a.x
-- k <- raw.a.k
-- y <- raw.b.y
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN

-- # star over using puts the key first in Postgres
-- dialect: postgres
-- raw.a(x, k); raw.b(k, y)
select * from raw.a join raw.b using (k)
-- k <- raw.a.k
-- x <- raw.a.x
-- y <- raw.b.y
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN

-- # three relations share a key
-- raw.a(k, x); raw.b(k, y); raw.c(k, z)
select k, x, y, z from raw.a join raw.b using (k) left join raw.c using (k)
-- k <- raw.a.k
-- x <- raw.a.x
-- y <- raw.b.y
-- z <- raw.c.z
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN, raw.c.k JOIN

-- # natural full join
-- raw.a(k, x); raw.b(k, y)
select * from raw.a natural full join raw.b
-- k <- raw.a.k TRANSFORMATION, raw.b.k TRANSFORMATION
-- x <- raw.a.x
-- y <- raw.b.y
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN

-- # asof join
-- raw.t(sym, ts, qty); raw.p(sym, ts, price)
select t.sym, t.qty * p.price as worth from raw.t as t asof join raw.p as p on t.sym = p.sym and t.ts >= p.ts
-- sym <- raw.t.sym
-- worth <- raw.t.qty TRANSFORMATION, raw.p.price TRANSFORMATION
-- (rows) <- raw.t.sym JOIN, raw.p.sym JOIN, raw.t.ts JOIN, raw.p.ts JOIN

-- # a semi join filters, and its right side is out of sight
-- raw.a(k, x); raw.b(k, y)
select * from raw.a semi join raw.b on a.k = b.k
-- k <- raw.a.k
-- x <- raw.a.x
-- (rows) <- raw.a.k FILTER, raw.a.k JOIN, raw.b.k FILTER, raw.b.k JOIN

-- # a parenthesized join keeps its names
-- raw.a(k, x); raw.b(k, y); raw.c(k, z)
select a.x, b.y, c.z from raw.c left join (raw.a join raw.b on a.k = b.k) on a.k = c.k
-- x <- raw.a.x
-- y <- raw.b.y
-- z <- raw.c.z
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN, raw.c.k JOIN

-- # a lateral subquery: what it takes from outside is a join key
-- raw.o(id, cust); raw.v(cust, ts, page)
select o.id, l.page from raw.o as o, lateral (select v.page from raw.v as v where v.cust = o.cust order by v.ts limit 1) as l
-- id <- raw.o.id
-- page <- raw.v.page
-- (rows) <- raw.o.cust FILTER, raw.o.cust JOIN, raw.v.cust FILTER, raw.v.ts SORT

-- # cross apply
-- dialect: tsql
-- raw.o(id, cust); raw.v(cust, ts, page)
select o.id, l.page from raw.o as o cross apply (select top 1 v.page from raw.v as v where v.cust = o.cust order by v.ts) as l
-- id <- raw.o.id
-- page <- raw.v.page
-- (rows) <- raw.o.cust FILTER, raw.o.cust JOIN, raw.v.cust FILTER, raw.v.ts SORT

-- # a self join reads one relation twice
-- raw.e(id, boss, name varchar)
select e.name, b.name as boss_name from raw.e as e left join raw.e as b on e.boss = b.id
-- name <- raw.e.name
-- boss_name <- raw.e.name
-- (rows) <- raw.e.boss JOIN, raw.e.id JOIN
