-- # union is by position
-- raw.a(x, y); raw.b(x, y)
select x, y from raw.a union all select y, x + 1 from raw.b
-- x <- raw.a.x, raw.b.y
-- y <- raw.a.y, raw.b.x TRANSFORMATION

-- # union distinct groups by all its columns
-- raw.a(x, y); raw.b(x, y)
select x from (select x, y from raw.a union select x, y from raw.b) as u
-- x <- raw.a.x, raw.b.x
-- (rows) <- raw.a.x GROUP_BY, raw.a.y GROUP_BY, raw.b.x GROUP_BY, raw.b.y GROUP_BY

-- # union by name, with a column on one side only
-- raw.a(x, y); raw.b(y, z)
select x, y from raw.a union all by name select z, y from raw.b
-- x <- raw.a.x
-- y <- raw.a.y, raw.b.y
-- z <- raw.b.z

-- # except: the right side filters
-- raw.a(x, y); raw.b(x, y)
select x, y from raw.a except select x, y from raw.b
-- x <- raw.a.x
-- y <- raw.a.y
-- (rows) <- raw.a.x GROUP_BY, raw.a.y GROUP_BY, raw.b.x FILTER, raw.b.y FILTER

-- # intersect all
-- raw.a(x); raw.b(x)
select x from raw.a intersect all select x from raw.b
-- x <- raw.a.x
-- (rows) <- raw.a.x FILTER, raw.b.x FILTER

-- # order and limit over a union
-- raw.a(x, y); raw.b(x, y)
select x, y from raw.a union all select x, y from raw.b order by y limit 10
-- x <- raw.a.x, raw.b.x
-- y <- raw.a.y, raw.b.y
-- (rows) <- raw.a.y SORT, raw.b.y SORT

-- # a union of stars over undescribed relations
-- raw.u(?); raw.v(?)
with both as (select * from raw.u union all select * from raw.v) select id, n + 1 as n from both
-- id <- raw.u.id, raw.v.id
-- n <- raw.u.n TRANSFORMATION, raw.v.n TRANSFORMATION

-- # values
-- raw.a(k, x)
select a.k, v.label from raw.a as a join (values (1, 'one'), (2, 'two')) as v(n, label) on a.x = v.n
-- k <- raw.a.k
-- label <-
-- (rows) <- raw.a.x JOIN
