-- # a star over a relation that nobody describes: its columns are known by use
-- raw.u(?)
with s as (select * from raw.u), t as (select *, a + b as c from s) select a, c, upper(d) as d from t
-- a <- raw.u.a
-- c <- raw.u.a TRANSFORMATION, raw.u.b TRANSFORMATION
-- d <- raw.u.d TRANSFORMATION

-- # the last star hides columns: partial
-- raw.u(?)
select *, a + 1 as b from raw.u
-- b <- raw.u.a TRANSFORMATION
-- a <- raw.u.a
-- (partial) open-star

-- # duplicates from two stars
-- raw.a(k, x); raw.b(k, y)
with j as (select a.*, b.* from raw.a join raw.b on a.k = b.k) select * from j
-- k <- raw.a.k
-- x <- raw.a.x
-- k_1 <- raw.b.k
-- y <- raw.b.y
-- (rows) <- raw.a.k JOIN, raw.b.k JOIN

-- # exclude, replace, rename
-- raw.a(k, x, y, z)
select * exclude (z) replace (x * 2 as x) rename (y as why) from raw.a
-- k <- raw.a.k
-- x <- raw.a.x TRANSFORMATION
-- why <- raw.a.y

-- # except over an undescribed relation hides what it drops
-- dialect: bigquery
-- raw.u(?); raw.k(id, secret)
with a as (select * except (secret) from raw.u), j as (select a.*, k.secret, k.id as kid from a join raw.k as k on a.id = k.id)
select name, secret from j
-- name <- raw.u.name
-- secret <- raw.k.secret
-- (rows) <- raw.u.id JOIN, raw.k.id JOIN

-- # qualified stars beside columns
-- raw.a(k, x); raw.b(k, y)
select b.y as first, a.* from raw.a as a cross join raw.b as b
-- first <- raw.b.y
-- k <- raw.a.k
-- x <- raw.a.x

-- # from without select
-- raw.a(k, x)
from raw.a
-- k <- raw.a.k
-- x <- raw.a.x

-- # from before select
-- raw.a(k, x)
from raw.a select k, x + 1 as x1 where x > 3
-- k <- raw.a.k
-- x1 <- raw.a.x TRANSFORMATION
-- (rows) <- raw.a.x FILTER

-- # columns by pattern
-- raw.a(k, x_one, x_two, z)
select k, columns('^x_') from raw.a
-- k <- raw.a.k
-- x_one <- raw.a.x_one
-- x_two <- raw.a.x_two

-- # an aggregate over columns
-- raw.a(k, x)
select max(columns(*)) from raw.a
-- k <- raw.a.k AGGREGATION
-- x <- raw.a.x AGGREGATION

-- # columns by lambda
-- raw.a(k, x_one, x_two)
select columns(lambda c: c like 'x%') from raw.a
-- x_one <- raw.a.x_one
-- x_two <- raw.a.x_two

-- # a snowflake star by pattern
-- dialect: snowflake
-- raw.a(k, x_id, y_id)
select * ilike '%_id' from raw.a
-- x_id <- raw.a.x_id
-- y_id <- raw.a.y_id

-- # a declared list may be short: a name outside of it is still a column
-- raw.d(id, name, ...)
select id, extra from raw.d
-- id <- raw.d.id
-- extra <- raw.d.extra

-- # an undescribed relation joined with a described one
-- raw.u(?); raw.k(id, name varchar)
select name, amount from raw.u as u join raw.k as k on u.id = k.id
-- name <- raw.k.name
-- amount <- raw.u.amount
-- (rows) <- raw.u.id JOIN, raw.k.id JOIN

-- # two undescribed relations: an unqualified name could be of either
-- raw.u(?); raw.v(?)
select u.a, b from raw.u as u join raw.v as v on u.id = v.id
-- a <- raw.u.a
-- b <-
-- (rows) <- raw.u.id JOIN, raw.v.id JOIN
-- (partial) ambiguous-column
