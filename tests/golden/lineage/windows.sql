-- # rank, lag, running sum
-- raw.a(k, t, x)
select row_number() over (partition by k order by t) as rn, lag(x) over (partition by k order by t) as prev, sum(x) over (order by t) as run from raw.a
-- rn <- raw.a.k WINDOW, raw.a.t WINDOW
-- prev <- raw.a.x TRANSFORMATION, raw.a.k WINDOW, raw.a.t WINDOW
-- run <- raw.a.x AGGREGATION, raw.a.t WINDOW

-- # named windows, one made from the other
-- raw.a(k, t, x)
select sum(x) over w as s, first_value(x) over (w order by t) as f from raw.a window w as (partition by k)
-- s <- raw.a.x AGGREGATION, raw.a.k WINDOW
-- f <- raw.a.x TRANSFORMATION, raw.a.k WINDOW, raw.a.t WINDOW

-- # qualify
-- raw.a(k, t, x)
select k, x from raw.a qualify row_number() over (partition by k order by t desc) = 1
-- k <- raw.a.k
-- x <- raw.a.x
-- (rows) <- raw.a.k FILTER, raw.a.t FILTER

-- # qualify by alias
-- dialect: snowflake
-- raw.a(k, t, x)
select k, x, rank() over (partition by k order by t) as rk from raw.a qualify rk = 1
-- k <- raw.a.k
-- x <- raw.a.x
-- rk <- raw.a.k WINDOW, raw.a.t WINDOW
-- (rows) <- raw.a.k FILTER, raw.a.t FILTER

-- # deduplicate by rank in a CTE
-- raw.a(k, t, x)
with r as (select *, row_number() over (partition by k order by t desc) as rn from raw.a) select * exclude (rn) from r where rn = 1
-- k <- raw.a.k
-- t <- raw.a.t
-- x <- raw.a.x
-- (rows) <- raw.a.k FILTER, raw.a.t FILTER

-- # a case inside a window's order decides by window
-- raw.a(k, t, x)
select max(x) over (partition by case when k > 1 then t end) as m from raw.a
-- m <- raw.a.x AGGREGATION, raw.a.k WINDOW, raw.a.t WINDOW
