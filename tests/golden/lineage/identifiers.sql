-- # DuckDB ignores case, also of quoted names
-- raw.a(Id, "Full Name" varchar)
select ID, "full name" as n, A."Full Name" as m from raw.A as a
-- ID <- raw.a.Id
-- n <- raw.a.Full Name
-- m <- raw.a.Full Name

-- # Snowflake keeps quoted names apart
-- dialect: snowflake
-- raw.a("id", ID)
select "id" as lower_id, id as upper_id from raw.a
-- lower_id <- raw.a.id
-- upper_id <- raw.a.ID

-- # Postgres folds to lower case
-- dialect: postgres
-- raw.a("Id", id)
select "Id" as quoted_id, ID as plain_id from raw.a
-- quoted_id <- raw.a.Id
-- plain_id <- raw.a.id

-- # BigQuery: one pair of backticks round all parts
-- dialect: bigquery
-- raw.a(x)
select x from `db.raw.a`
-- x <- raw.a.x

-- # a column named by schema, table and name
-- raw.a(x)
select raw.a.x from raw.a
-- x <- raw.a.x

-- # a unit of time is no column
-- dialect: snowflake
-- raw.u(?)
select dateadd(month, 1, d) as next_month, datediff(day, d, e) as days from raw.u
-- next_month <- raw.u.d TRANSFORMATION
-- days <- raw.u.d TRANSFORMATION, raw.u.e TRANSFORMATION

-- # a column that does not exist
-- raw.a(x); raw.b(y)
with t as (select x from raw.a) select x, nowhere from t
-- x <- raw.a.x
-- nowhere <-
-- (partial) unresolved-column
-- (invalid in DuckDB)

-- # a column that its relation does not have
-- raw.a(x); raw.b(y)
with t as (select x from raw.a) select t.x, t.gone + b.y as total from t, raw.b
-- x <- raw.a.x
-- total <- raw.b.y TRANSFORMATION
-- (partial) unresolved-column
-- (invalid in DuckDB)

-- # names without an alias
-- raw.a(x, y)
select count(*), sum(x), x + y from raw.a group by x, y
-- count_star() <-
-- sum(x) <- raw.a.x AGGREGATION
-- (x + y) <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION
-- (rows) <- raw.a.x GROUP_BY, raw.a.y GROUP_BY
