-- # a scalar subquery's conditions decide one column
-- raw.o(id, cust); raw.r(ord, amt, kind)
select o.id, (select max(r.amt) from raw.r as r where r.ord = o.id and r.kind = 1) as worst from raw.o as o
-- id <- raw.o.id
-- worst <- raw.r.amt AGGREGATION, raw.r.ord CONDITIONAL, raw.o.id CONDITIONAL, raw.r.kind CONDITIONAL

-- # exists
-- raw.o(id, cust); raw.r(ord, amt)
select id from raw.o as o where exists (select 1 from raw.r as r where r.ord = o.id and r.amt > 5)
-- id <- raw.o.id
-- (rows) <- raw.o.id FILTER, raw.r.ord FILTER, raw.r.amt FILTER

-- # not in
-- raw.o(id, cust); raw.b(cust, since)
select id from raw.o where cust not in (select cust from raw.b where since > 3)
-- id <- raw.o.id
-- (rows) <- raw.o.cust FILTER, raw.b.cust FILTER, raw.b.since FILTER

-- # an unqualified name belongs to the inner query first
-- raw.o(id, k); raw.b(k, j)
select id from raw.o where id in (select k from raw.b where j = 1)
-- id <- raw.o.id
-- (rows) <- raw.o.id FILTER, raw.b.k FILTER, raw.b.j FILTER

-- # ... and to the outer one where the inner has none
-- raw.o(id, k); raw.b(j)
select id from raw.o where exists (select 1 from raw.b where j = k)
-- id <- raw.o.id
-- (rows) <- raw.o.k FILTER, raw.b.j FILTER

-- # a subquery in a join condition
-- raw.a(k, x); raw.b(k, y)
select a.x from raw.a as a join raw.b as b on a.k = b.k and b.y = (select max(y) from raw.b)
-- x <- raw.a.x
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN, raw.b.y JOIN

-- # a derived column used as a filter hands on all its sources
-- raw.a(k, x, y)
select k from (select k, case when x > 1 then y end as z from raw.a) as t where z > 0
-- k <- raw.a.k
-- (rows) <- raw.a.x FILTER, raw.a.y FILTER
