-- # an unused CTE gives nothing
-- raw.a(k, x); raw.b(k)
with unused as (select k from raw.b where k > 1), used as (select k from raw.a where x > 1) select k from used
-- k <- raw.a.k
-- (rows) <- raw.a.x FILTER

-- # a CTE with the name of the table that it reads
-- raw.orders(id, amt)
with orders as (select id, amt * 2 as twice from raw.orders) select id, twice from orders
-- id <- raw.orders.id
-- twice <- raw.orders.amt TRANSFORMATION

-- # an inner CTE shadows an outer one
-- raw.a(k); raw.b(k)
with t as (select k from raw.a) select k from (with t as (select k from raw.b) select k from t) as s
-- k <- raw.b.k

-- # column names on a CTE
-- raw.a(k, x)
with t(one, two) as (select k, x from raw.a) select two, one from t
-- two <- raw.a.x
-- one <- raw.a.k

-- # a recursive CTE moves a value from column to column
-- raw.e(id, boss, name varchar)
with recursive tree(id, top, path) as (
  select id, name, name from raw.e where boss is null
  union all
  select e.id, t.top, t.path || '/' || e.name from raw.e as e join tree as t on e.boss = t.id
)
select id, top, path from tree
-- id <- raw.e.id
-- top <- raw.e.name
-- path <- raw.e.name TRANSFORMATION
-- (rows) <- raw.e.boss FILTER, raw.e.boss JOIN, raw.e.id JOIN

-- # recursion without the keyword
-- dialect: tsql
-- raw.e(id, boss)
with tree as (select id, boss from raw.e union all select e.id, t.boss from raw.e as e join tree as t on e.boss = t.id) select id, boss from tree
-- id <- raw.e.id
-- boss <- raw.e.boss
-- (rows) <- raw.e.boss JOIN, raw.e.id JOIN
