-- # outer apply over json
-- dialect: tsql
-- raw.t(id, body)
select t.id, j.sku, j.qty from raw.t as t outer apply openjson(t.body) with (sku varchar(10) '$.sku', qty int) as j
-- id <- raw.t.id
-- sku <- raw.t.body TRANSFORMATION
-- qty <- raw.t.body TRANSFORMATION
-- (rows) <- raw.t.body JOIN

-- # string_split
-- dialect: tsql
-- raw.t(id, tags)
select t.id, s.value as tag from raw.t as t cross apply string_split(t.tags, ',') as s
-- id <- raw.t.id
-- tag <- raw.t.tags TRANSFORMATION
-- (rows) <- raw.t.tags JOIN

-- # cross apply over values
-- dialect: tsql
-- raw.t(id, a, b)
select t.id, v.name, v.x from raw.t as t cross apply (values ('a', t.a), ('b', t.b)) as v (name, x)
-- id <- raw.t.id
-- name <-
-- x <- raw.t.a, raw.t.b

-- # top with ties
-- dialect: tsql
-- raw.t(id, x)
select top 10 with ties id from raw.t order by x desc
-- id <- raw.t.id
-- (rows) <- raw.t.x SORT

-- # alias = expression, names in brackets
-- dialect: tsql
-- raw.t(a, b, c)
select total = a + b, [My Col] = c, iif(a > 0, b, c) as i, isnull(a, b) as n from [raw].[t]
-- total <- raw.t.a TRANSFORMATION, raw.t.b TRANSFORMATION
-- My Col <- raw.t.c
-- i <- raw.t.b TRANSFORMATION, raw.t.c TRANSFORMATION, raw.t.a CONDITIONAL
-- n <- raw.t.a TRANSFORMATION, raw.t.b TRANSFORMATION

-- # pivot
-- dialect: tsql
-- raw.m(acct, mon, amt, yr)
select acct, [1] as jan, [2] as feb from (select acct, mon, amt from raw.m where yr = 1) as s pivot (sum(amt) for mon in ([1], [2])) as p
-- acct <- raw.m.acct
-- jan <- raw.m.amt AGGREGATION, raw.m.mon CONDITIONAL
-- feb <- raw.m.amt AGGREGATION, raw.m.mon CONDITIONAL
-- (rows) <- raw.m.yr FILTER, raw.m.acct GROUP_BY

-- # a temporary table is no asset
-- dialect: tsql
-- raw.t(id)
select t.id, x.n from raw.t as t join #tmp as x on x.id = t.id
-- id <- raw.t.id
-- n <-
-- (rows) <- raw.t.id JOIN
-- (partial) unknown-relation

-- # offset and fetch
-- dialect: tsql
-- raw.t(id, x)
select id from raw.t order by x offset 5 rows fetch next 5 rows only
-- id <- raw.t.id
-- (rows) <- raw.t.x SORT

-- # string_agg within group, hints
-- dialect: tsql
-- raw.t(k, n, o)
select k, string_agg(n, ',') within group (order by o) as l from raw.t with (nolock) group by k option (maxdop 1)
-- k <- raw.t.k
-- l <- raw.t.n AGGREGATION, raw.t.o WINDOW
-- (rows) <- raw.t.k GROUP_BY

-- # a table-valued function of a column
-- dialect: tsql
-- raw.t(id)
select t.id, f.total from raw.t as t cross apply dbo.totals(t.id) as f
-- id <- raw.t.id
-- total <- raw.t.id TRANSFORMATION
-- (rows) <- raw.t.id JOIN

-- # a correlated count, a not exists
-- dialect: tsql
-- raw.a(id, x); raw.b(a_id, y)
select a.id, (select count(*) from raw.b as b where b.a_id = a.id) as n from raw.a as a where not exists (select 1 from raw.b as b where b.a_id = a.x)
-- id <- raw.a.id
-- n <- raw.b.a_id CONDITIONAL, raw.a.id CONDITIONAL
-- (rows) <- raw.b.a_id FILTER, raw.a.x FILTER
