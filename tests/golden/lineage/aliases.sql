-- # HAVING means the alias: the column has no one value in a group
-- raw.a(id, s, x, g)
select sum(case when g = 1 then x else 0 end) as s, id from raw.a group by 2 having s > 0
-- s <- raw.a.x AGGREGATION, raw.a.g CONDITIONAL
-- id <- raw.a.id
-- (rows) <- raw.a.id GROUP_BY, raw.a.x FILTER, raw.a.g FILTER

-- # HAVING means the column where it is a key
-- raw.a(s, x)
select x + 1 as s, count(*) as n from raw.a group by a.s, x having s > 2
-- s <- raw.a.x TRANSFORMATION
-- n <-
-- (rows) <- raw.a.s GROUP_BY, raw.a.s FILTER, raw.a.x GROUP_BY

-- # HAVING means the column inside an aggregate
-- raw.a(id, s, x)
select id, sum(x) as s from raw.a group by id having sum(s) > 9 and abs(s) > 1
-- id <- raw.a.id
-- s <- raw.a.x AGGREGATION
-- (rows) <- raw.a.id GROUP_BY, raw.a.s FILTER, raw.a.x FILTER

-- # HAVING by the expression that is the key
-- raw.a(s, x)
select count(x) as s from raw.a group by s + 1 having s + 1 > 3
-- s <- raw.a.x AGGREGATION
-- (rows) <- raw.a.s GROUP_BY, raw.a.s FILTER

-- # HAVING and all columns that are no aggregate
-- raw.a(s, x)
select abs(x) as s, count(*) as n from raw.a group by all having s > 2
-- s <- raw.a.x TRANSFORMATION
-- n <-
-- (rows) <- raw.a.x GROUP_BY, raw.a.x FILTER

-- # HAVING in BigQuery means the alias, a key or not; so does GROUP BY
-- dialect: bigquery
-- raw.a(s, x)
select upper(x) as s, count(*) as n from raw.a group by s having s > 'a'
-- s <- raw.a.x TRANSFORMATION
-- n <-
-- (rows) <- raw.a.x GROUP_BY, raw.a.x FILTER

-- # HAVING in Spark means the column where it is a key
-- dialect: spark
-- raw.a(s, x)
select upper(x) as s, count(*) as n from raw.a group by s, x having s > 'a'
-- s <- raw.a.x TRANSFORMATION
-- n <-
-- (rows) <- raw.a.s GROUP_BY, raw.a.s FILTER, raw.a.x GROUP_BY

-- # HAVING in Spark means the alias where the column is no key
-- dialect: spark
-- raw.a(id, s, x)
select id, sum(x) as s from raw.a group by id having s > 2
-- id <- raw.a.id
-- s <- raw.a.x AGGREGATION
-- (rows) <- raw.a.id GROUP_BY, raw.a.x FILTER

-- # HAVING in Postgres knows no alias
-- dialect: postgres
-- raw.a(id, s, x)
select id, sum(x) as s from raw.a group by id having s > 2
-- id <- raw.a.id
-- s <- raw.a.x AGGREGATION
-- (rows) <- raw.a.id GROUP_BY, raw.a.s FILTER

-- # ClickHouse puts the alias before the column everywhere
-- dialect: clickhouse
-- raw.a(x, y)
select x as y, y + 1 as z from raw.a where y > 2
-- y <- raw.a.x
-- z <- raw.a.x TRANSFORMATION
-- (rows) <- raw.a.x FILTER

-- # WHERE and the select list mean the column
-- raw.a(s, x)
select x as s, s + 1 as t, sum(x) over (partition by s) as w from raw.a where s > 2
-- s <- raw.a.x
-- t <- raw.a.s TRANSFORMATION
-- w <- raw.a.x AGGREGATION, raw.a.s WINDOW
-- (rows) <- raw.a.s FILTER

-- # QUALIFY means the column
-- raw.a(id, s, x)
select id, sum(x) over (partition by id) as s from raw.a qualify s > 2
-- id <- raw.a.id
-- s <- raw.a.x AGGREGATION, raw.a.id WINDOW
-- (rows) <- raw.a.s FILTER

-- # ORDER BY means the alias
-- raw.a(id, s, x)
select id, x as s from raw.a order by (s) desc, id limit 3
-- id <- raw.a.id
-- s <- raw.a.x
-- (rows) <- raw.a.x SORT, raw.a.id SORT

-- # ORDER BY means the column inside an expression
-- raw.a(id, s, x)
select id, x as s from raw.a order by -s, id limit 3
-- id <- raw.a.id
-- s <- raw.a.x
-- (rows) <- raw.a.s SORT, raw.a.id SORT

-- # ORDER BY in Trino means the alias inside an expression too
-- dialect: trino
-- raw.a(id, s, x)
select id, x as s from raw.a order by -s, id limit 3
-- id <- raw.a.id
-- s <- raw.a.x
-- (rows) <- raw.a.x SORT, raw.a.id SORT

-- # DISTINCT ON means the alias
-- raw.a(id, s, x)
select distinct on (s) id, x as s from raw.a order by s, id
-- id <- raw.a.id
-- s <- raw.a.x
-- (rows) <- raw.a.x GROUP_BY, raw.a.x SORT, raw.a.id SORT

-- # DISTINCT ON means the column inside an expression
-- raw.a(id, s, x)
select distinct on (s + 0) id, x as s from raw.a order by id
-- id <- raw.a.id
-- s <- raw.a.x
-- (rows) <- raw.a.s GROUP_BY, raw.a.id SORT

-- # GROUP BY means the column
-- raw.a(s, x)
select max(x) as m, x + 1 as s, x from raw.a group by s, x
-- m <- raw.a.x AGGREGATION
-- s <- raw.a.x TRANSFORMATION
-- x <- raw.a.x
-- (rows) <- raw.a.s GROUP_BY, raw.a.x GROUP_BY

-- # order by all
-- raw.a(id, s, x)
select id, x from raw.a order by all limit 3
-- id <- raw.a.id
-- x <- raw.a.x
-- (rows) <- raw.a.id SORT, raw.a.x SORT

-- # order by all, over a union
-- raw.a(id, s, x)
select x, id from raw.a union all select s, x from raw.a order by all desc limit 3
-- x <- raw.a.x, raw.a.s
-- id <- raw.a.id, raw.a.x
-- (rows) <- raw.a.id SORT, raw.a.s SORT, raw.a.x SORT
