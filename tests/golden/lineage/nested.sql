-- # unnest in the select list
-- raw.a(id, items struct(sku varchar, qty integer)[])
with x as (select id, unnest(items) as item from raw.a) select id, item.sku as sku, item.qty * 2 as twice from x
-- id <- raw.a.id
-- sku <- raw.a.items TRANSFORMATION
-- twice <- raw.a.items TRANSFORMATION
-- (rows) <- raw.a.items JOIN

-- # unnest in FROM
-- raw.a(id, items integer[])
select a.id, u.item from raw.a as a, unnest(a.items) as u(item)
-- id <- raw.a.id
-- item <- raw.a.items TRANSFORMATION
-- (rows) <- raw.a.items JOIN

-- # a field of a struct
-- raw.a(id, who struct(name varchar, mail varchar))
select id, who.name as name, a.who.mail as mail from raw.a as a
-- id <- raw.a.id
-- name <- raw.a.who TRANSFORMATION
-- mail <- raw.a.who TRANSFORMATION

-- # json paths
-- raw.a(id, body json)
select id, body ->> '$.user.name' as name, body -> 'n' as n from raw.a where body ->> 'kind' = 'x'
-- id <- raw.a.id
-- name <- raw.a.body TRANSFORMATION
-- n <- raw.a.body TRANSFORMATION
-- (rows) <- raw.a.body FILTER

-- # a list comprehension binds its own name
-- raw.a(id, l integer[], x, y)
select id, [x * 2 for x in l if x > 1] as twice from raw.a
-- id <- raw.a.id
-- twice <- raw.a.l TRANSFORMATION

-- # a lambda binds its own name, and sees the columns
-- raw.a(l integer[], y, x)
select list_filter(l, lambda x: x > y) as f, list_transform(l, lambda x: x + 1) as t from raw.a
-- f <- raw.a.l TRANSFORMATION, raw.a.y TRANSFORMATION
-- t <- raw.a.l TRANSFORMATION

-- # a struct packed from columns, a row packed whole
-- raw.a(x, y)
select {'one': x, 'two': y} as s, a as whole from raw.a as a
-- s <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION
-- whole <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION

-- # BigQuery: comma unnest with offset
-- dialect: bigquery
-- raw.a(id, items)
select a.id, i.sku, pos from raw.a as a, unnest(a.items) as i with offset as pos
-- id <- raw.a.id
-- sku <- raw.a.items TRANSFORMATION
-- pos <-
-- (rows) <- raw.a.items JOIN

-- # BigQuery: a table's array in FROM
-- dialect: bigquery
-- raw.a(id, items)
select a.id, i.sku from raw.a as a, a.items as i
-- id <- raw.a.id
-- sku <- raw.a.items TRANSFORMATION
-- (rows) <- raw.a.items JOIN

-- # BigQuery: a scalar subquery over an array
-- dialect: bigquery
-- raw.ev(id, params)
select id, (select value.string_value from unnest(params) where key = 'page') as page from raw.ev
-- id <- raw.ev.id
-- page <- raw.ev.params TRANSFORMATION, raw.ev.params CONDITIONAL

-- # Snowflake: flatten
-- dialect: snowflake
-- raw.a(id, body)
select a.id, f.value:sku::string as sku, f.index as n from raw.a as a, lateral flatten(input => a.body:items) as f
-- id <- raw.a.id
-- sku <- raw.a.body TRANSFORMATION
-- n <- raw.a.body TRANSFORMATION
-- (rows) <- raw.a.body JOIN

-- # Snowflake: a path into a variant
-- dialect: snowflake
-- raw.a(body)
select body:user.name::string as name, body['n'] as n from raw.a
-- name <- raw.a.body TRANSFORMATION
-- n <- raw.a.body TRANSFORMATION

-- # Spark: lateral view
-- dialect: spark
-- raw.a(id, items)
select id, item from raw.a lateral view explode(items) t as item
-- id <- raw.a.id
-- item <- raw.a.items TRANSFORMATION
-- (rows) <- raw.a.items JOIN

-- # Trino: two arrays side by side
-- dialect: trino
-- raw.a(id, xs, ys)
select id, x, y from raw.a cross join unnest(xs, ys) as t (x, y)
-- id <- raw.a.id
-- x <- raw.a.xs TRANSFORMATION
-- y <- raw.a.ys TRANSFORMATION
-- (rows) <- raw.a.xs JOIN, raw.a.ys JOIN

-- # a table function of nothing
-- raw.a(d date, x)
select g.d, a.x from generate_series(date '2024-01-01', date '2024-01-05', interval 1 day) as g(d) left join raw.a as a on a.d = g.d
-- d <-
-- x <- raw.a.x
-- (rows) <- raw.a.d JOIN
