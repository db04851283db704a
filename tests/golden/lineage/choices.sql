-- # case: conditions decide, branches flow
-- raw.a(x, y, z)
select case when x > 0 then y else z end as v from raw.a
-- v <- raw.a.x CONDITIONAL, raw.a.y TRANSFORMATION, raw.a.z TRANSFORMATION

-- # case with an operand
-- raw.a(x, y)
select case x when 1 then y end as v, case y when x then 1 end as w from raw.a
-- v <- raw.a.x CONDITIONAL, raw.a.y TRANSFORMATION
-- w <- raw.a.x CONDITIONAL, raw.a.y CONDITIONAL

-- # a column that is value and condition has both
-- raw.a(x)
select case when x > 0 then x end as v, coalesce(x, 0) as c, nullif(x, 0) as n from raw.a
-- v <- raw.a.x CONDITIONAL, raw.a.x TRANSFORMATION
-- c <- raw.a.x TRANSFORMATION
-- n <- raw.a.x TRANSFORMATION

-- # iff, nvl2 and decode
-- dialect: snowflake
-- raw.a(x, y, z)
select iff(x > 1, y, z) as a, nvl2(x, y, z) as b, decode(x, 1, y, 2, z, 0) as c from raw.a
-- a <- raw.a.x CONDITIONAL, raw.a.y TRANSFORMATION, raw.a.z TRANSFORMATION
-- b <- raw.a.x CONDITIONAL, raw.a.y TRANSFORMATION, raw.a.z TRANSFORMATION
-- c <- raw.a.x CONDITIONAL, raw.a.y TRANSFORMATION, raw.a.z TRANSFORMATION

-- # an aggregate of a case
-- raw.a(k, x, y)
select k, sum(case when x = 1 then y else 0 end) as s from raw.a group by k
-- k <- raw.a.k
-- s <- raw.a.x CONDITIONAL, raw.a.y AGGREGATION
-- (rows) <- raw.a.k GROUP_BY

-- # the use of an alias before it
-- raw.a(x, y)
select x + 1 as z, z * y as w from raw.a where z > 3
-- z <- raw.a.x TRANSFORMATION
-- w <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION
-- (rows) <- raw.a.x FILTER

-- # a column wins over an alias of its name
-- raw.a(x, y)
select y as x, x + 1 as z from raw.a
-- x <- raw.a.y
-- z <- raw.a.x TRANSFORMATION

-- # casts, a constant, and a plain copy under another name
-- raw.a(x)
select x as y, x::varchar as t, 1 as one, current_date as today from raw.a
-- y <- raw.a.x
-- t <- raw.a.x TRANSFORMATION
-- one <-
-- today <-
