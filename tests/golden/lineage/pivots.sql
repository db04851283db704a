-- # pivot with values
-- raw.m(acct, mon, amt)
select * from raw.m pivot (sum(amt) for mon in (1, 2))
-- acct <- raw.m.acct
-- 1 <- raw.m.amt AGGREGATION, raw.m.mon CONDITIONAL
-- 2 <- raw.m.amt AGGREGATION, raw.m.mon CONDITIONAL
-- (rows) <- raw.m.acct GROUP_BY

-- # pivot with two aggregates
-- raw.m(acct, mon, amt, cnt)
select * from raw.m pivot (sum(amt) as total, max(cnt) as most for mon in (1))
-- acct <- raw.m.acct
-- 1_total <- raw.m.amt AGGREGATION, raw.m.mon CONDITIONAL
-- 1_most <- raw.m.cnt AGGREGATION, raw.m.mon CONDITIONAL
-- (rows) <- raw.m.acct GROUP_BY

-- # DuckDB's statement
-- raw.m(acct, mon, amt, junk)
pivot raw.m on mon in (1, 2) using sum(amt) group by acct
-- acct <- raw.m.acct
-- 1 <- raw.m.amt AGGREGATION, raw.m.mon CONDITIONAL
-- 2 <- raw.m.amt AGGREGATION, raw.m.mon CONDITIONAL
-- (rows) <- raw.m.acct GROUP_BY

-- # a pivot whose columns the data decides: named by who reads them
-- raw.m(acct, mon, amt)
with p as (pivot raw.m on mon using sum(amt) group by acct) select acct, "1" as jan from p
-- acct <- raw.m.acct
-- jan <- raw.m.amt AGGREGATION, raw.m.mon CONDITIONAL
-- (rows) <- raw.m.acct GROUP_BY
-- (partial) dynamic-pivot

-- # unpivot drops nulls
-- raw.m(acct, jan, feb)
select * from raw.m unpivot (amt for mon in (jan, feb))
-- acct <- raw.m.acct
-- mon <-
-- amt <- raw.m.jan, raw.m.feb
-- (rows) <- raw.m.jan FILTER, raw.m.feb FILTER

-- # unpivot that keeps nulls
-- raw.m(acct, jan, feb)
select * from raw.m unpivot include nulls (amt for mon in (jan, feb))
-- acct <- raw.m.acct
-- mon <-
-- amt <- raw.m.jan, raw.m.feb

-- # DuckDB's unpivot over columns
-- raw.m(acct, jan, feb)
unpivot raw.m on columns(* exclude (acct)) into name mon value amt
-- acct <- raw.m.acct
-- mon <-
-- amt <- raw.m.jan, raw.m.feb
-- (rows) <- raw.m.jan FILTER, raw.m.feb FILTER

-- # BigQuery unpivots columns by twos
-- dialect: bigquery
-- raw.m(acct, a1, b1, a2, b2)
select * from raw.m unpivot ((a, b) for q in ((a1, b1) as 'one', (a2, b2) as 'two'))
-- acct <- raw.m.acct
-- a <- raw.m.a1, raw.m.a2
-- b <- raw.m.b1, raw.m.b2
-- q <-
-- (rows) <- raw.m.a1 FILTER, raw.m.a2 FILTER, raw.m.b1 FILTER, raw.m.b2 FILTER

-- # a pivot over a subquery, with an alias
-- dialect: snowflake
-- raw.m(acct, mon, amt, yr)
select p.acct, p."'JAN'" as jan from (select acct, mon, amt from raw.m where yr = 1) pivot (sum(amt) for mon in ('JAN', 'FEB')) as p
-- acct <- raw.m.acct
-- jan <- raw.m.amt AGGREGATION, raw.m.mon CONDITIONAL
-- (rows) <- raw.m.yr FILTER, raw.m.acct GROUP_BY
