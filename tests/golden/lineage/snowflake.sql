-- # flatten inside flatten
-- dialect: snowflake
-- raw.o(id, body)
select o.id, i.value:sku::string as sku, t.value::string as tag
from raw.o as o, lateral flatten(input => o.body:items, outer => true) as i, lateral flatten(input => i.value:tags) as t
-- id <- raw.o.id
-- sku <- raw.o.body TRANSFORMATION
-- tag <- raw.o.body TRANSFORMATION
-- (rows) <- raw.o.body JOIN

-- # table(flatten(...)), and only its positional argument
-- dialect: snowflake
-- raw.o(id, body)
select o.id, f.key as k, f.value as v from raw.o as o, table(flatten(o.body)) as f where f.key <> 'x'
-- id <- raw.o.id
-- k <- raw.o.body TRANSFORMATION
-- v <- raw.o.body TRANSFORMATION
-- (rows) <- raw.o.body JOIN, raw.o.body FILTER

-- # split and flatten, with a bare name
-- dialect: snowflake
-- raw.o(id, tags)
select id, trim(s.value) as tag from raw.o, lateral flatten(input => split(tags, ',')) as s
-- id <- raw.o.id
-- tag <- raw.o.tags TRANSFORMATION
-- (rows) <- raw.o.tags JOIN

-- # split_to_table
-- dialect: snowflake
-- raw.o(id, tags)
select o.id, s.value as part from raw.o as o, lateral split_to_table(o.tags, ',') as s
-- id <- raw.o.id
-- part <- raw.o.tags TRANSFORMATION
-- (rows) <- raw.o.tags JOIN

-- # a pivot over any value
-- dialect: snowflake
-- raw.m(acct, mon, amt)
select * from raw.m pivot (sum(amt) for mon in (any order by mon)) as p
-- acct <- raw.m.acct
-- (rows) <- raw.m.acct GROUP_BY
-- (partial) dynamic-pivot, open-star

-- # unpivot has the name before the value
-- dialect: snowflake
-- raw.m(acct, jan, feb)
select * from raw.m unpivot (amt for mon in (jan, feb))
-- acct <- raw.m.acct
-- mon <-
-- amt <- raw.m.jan, raw.m.feb
-- (rows) <- raw.m.jan FILTER, raw.m.feb FILTER

-- # exclude, replace and rename in one star
-- dialect: snowflake
-- raw.u(id, mail, secret, x)
select * exclude (secret) replace (upper(mail) as mail) rename (id as user_id) from raw.u
-- user_id <- raw.u.id
-- mail <- raw.u.mail TRANSFORMATION
-- x <- raw.u.x

-- # object_construct(*) takes all
-- dialect: snowflake
-- raw.u(id, x)
select id, object_construct(*) as whole from raw.u
-- id <- raw.u.id
-- whole <- raw.u.id TRANSFORMATION, raw.u.x TRANSFORMATION

-- # nvl2, and functions that are a choice in disguise
-- dialect: snowflake
-- raw.t(a, b, c)
select nvl2(a, b, c) as n, div0(a, b) as d, zeroifnull(c) as z from raw.t
-- n <- raw.t.b TRANSFORMATION, raw.t.c TRANSFORMATION, raw.t.a CONDITIONAL
-- d <- raw.t.a TRANSFORMATION, raw.t.b TRANSFORMATION, raw.t.a CONDITIONAL, raw.t.b CONDITIONAL
-- z <- raw.t.c TRANSFORMATION, raw.t.c CONDITIONAL

-- # positional columns of values
-- dialect: snowflake
-- raw.t(a)
select t.a, v.column1 as one, v.column2 as two from raw.t as t cross join (values (1, 'x'), (2, 'y')) as v
-- a <- raw.t.a
-- one <-
-- two <-

-- # an asof join
-- dialect: snowflake
-- raw.t(id, sym, ts); raw.q(sym, ts, px)
select t.id, q.px from raw.t as t asof join raw.q as q match_condition (t.ts >= q.ts) on t.sym = q.sym
-- id <- raw.t.id
-- px <- raw.q.px
-- (rows) <- raw.t.ts JOIN, raw.q.ts JOIN, raw.t.sym JOIN, raw.q.sym JOIN

-- # time travel
-- dialect: snowflake
-- raw.t(id, x)
select id from raw.t at (offset => -60) where x > 0
-- id <- raw.t.id
-- (rows) <- raw.t.x FILTER

-- # an alias of the select list used in where, qualify and group by
-- dialect: snowflake
-- raw.t(a, k)
select k, a + 1 as b, count(*) over (partition by b) as n from raw.t where b > 2 qualify n > 1
-- k <- raw.t.k
-- b <- raw.t.a TRANSFORMATION
-- n <- raw.t.a WINDOW
-- (rows) <- raw.t.a FILTER

-- # max_by, and an array in the order of another column
-- dialect: snowflake
-- raw.t(k, v, o)
select k, max_by(v, o) as m, array_agg(v) within group (order by o) as l from raw.t group by 1
-- k <- raw.t.k
-- m <- raw.t.v AGGREGATION, raw.t.o AGGREGATION
-- l <- raw.t.v AGGREGATION, raw.t.o WINDOW
-- (rows) <- raw.t.k GROUP_BY

-- # connect by
-- dialect: snowflake
-- raw.e(id, boss, name)
select id, name, level as depth from raw.e start with boss is null connect by boss = prior id
-- id <- raw.e.id
-- name <- raw.e.name
-- depth <-
-- (rows) <- raw.e.boss JOIN, raw.e.id JOIN, raw.e.boss FILTER

-- # rows made by a generator
-- dialect: snowflake
select dateadd(day, seq4(), '2024-01-01') as d, row_number() over (order by seq4()) as n from table(generator(rowcount => 10))
-- d <-
-- n <-

-- # all of a flatten
-- dialect: snowflake
-- raw.o(id, body)
select o.id, f.* from raw.o as o, lateral flatten(input => o.body) as f
-- id <- raw.o.id
-- SEQ <-
-- KEY <- raw.o.body TRANSFORMATION
-- PATH <- raw.o.body TRANSFORMATION
-- INDEX <- raw.o.body TRANSFORMATION
-- VALUE <- raw.o.body TRANSFORMATION
-- THIS <- raw.o.body TRANSFORMATION
-- (rows) <- raw.o.body JOIN
