-- # the columns of a struct that is unnested, into what is inside
-- raw.a(x, y, z)
select unnest({'p': x, 'q': {'r': y, 't': z}}, recursive := true) from raw.a
-- p <- raw.a.x
-- r <- raw.a.y
-- t <- raw.a.z

-- # one level only
-- raw.a(x, y, z)
select unnest({'p': x, 'q': {'r': y, 't': z}}) from raw.a
-- p <- raw.a.x
-- q <- raw.a.y TRANSFORMATION, raw.a.z TRANSFORMATION

-- # as deep as is said
-- raw.a(x, y, z)
select unnest({'p': x, 'q': {'r': y, 't': {'u': z}}}, max_depth := 2) from raw.a
-- p <- raw.a.x
-- r <- raw.a.y
-- t <- raw.a.z TRANSFORMATION

-- # an alias gives its name to no field
-- raw.a(x, y)
select unnest({'p': x, 'q': y}) as w from raw.a
-- p <- raw.a.x
-- q <- raw.a.y

-- # a row without names
-- raw.a(x, y)
select unnest(row(x, y)) from raw.a
-- element1 <- raw.a.x TRANSFORMATION
-- element2 <- raw.a.y TRANSFORMATION

-- # a struct that a derived table makes
-- raw.a(id, x, y)
select unnest(st), id from (select {'p': x, 'q': y} as st, id from raw.a) as s
-- p <- raw.a.x TRANSFORMATION
-- q <- raw.a.y TRANSFORMATION
-- id <- raw.a.id

-- # a list of structs, unnested down to its fields
-- raw.a(id, x, y)
select id, unnest([{'p': x, 'q': y}, {'p': id, 'q': x}], recursive := true) from raw.a
-- id <- raw.a.id
-- p <- raw.a.x TRANSFORMATION, raw.a.id TRANSFORMATION
-- q <- raw.a.y TRANSFORMATION, raw.a.x TRANSFORMATION

-- # the star of a struct that the query writes out
-- raw.a(id, x, y)
select st.*, id from (select {'p': x, 'q': y} as st, id from raw.a) as s
-- p <- raw.a.x TRANSFORMATION
-- q <- raw.a.y TRANSFORMATION
-- id <- raw.a.id

-- # the star of a struct without one field
-- raw.a(id, x, y)
select st.* exclude (p) from (select {'p': x, 'q': y} as st, id from raw.a) as s
-- q <- raw.a.y TRANSFORMATION

-- # the star of a struct from two branches
-- raw.a(x, y); raw.b(u, v)
select st.* from (select {'p': x, 'q': y} as st from raw.a union all select {'p': u, 'q': v} from raw.b) as s
-- p <- raw.a.x TRANSFORMATION, raw.b.u TRANSFORMATION
-- q <- raw.a.y TRANSFORMATION, raw.b.v TRANSFORMATION

-- # the star of a struct that is only known to the warehouse
-- raw.a(id, st struct(p integer, q integer))
select st.*, id from raw.a
-- id <- raw.a.id
-- (partial) open-star

-- # unnest a struct that is only known to the warehouse
-- raw.a(id, st)
select unnest(st, recursive := true), id from raw.a
-- (invalid in DuckDB)
-- id <- raw.a.id
-- (rows) <- raw.a.st JOIN
-- (partial) open-star

-- # a field of a struct in a table of the same name
-- raw.a(x, y, z)
with st as (select {'f': x, 'g': y} as st, z from raw.a) select st['f'] as o, st.g as p, st.st.f as q from st
-- o <- raw.a.x TRANSFORMATION
-- p <- raw.a.y TRANSFORMATION
-- q <- raw.a.x TRANSFORMATION

-- # a whole row is a struct of its columns
-- raw.a(x, y, z)
with st as (select x, y, z from raw.a) select st['x'] as o, struct_extract(st, 'y') as p, st as q from st
-- o <- raw.a.x TRANSFORMATION
-- p <- raw.a.y TRANSFORMATION
-- q <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION, raw.a.z TRANSFORMATION

-- # a field of a table of which nothing is known
-- raw.u(?)
select u['f'] as o from raw.u
-- o <- raw.u.f TRANSFORMATION

-- # a field of a field
-- raw.a(x, y, z)
select s['p']['q'] as o, s.p.r as p from (select {'p': {'q': x, 'r': y}, 't': z} as s from raw.a) as d
-- o <- raw.a.x TRANSFORMATION
-- p <- raw.a.y TRANSFORMATION

-- # the fields of BigQuery's struct
-- dialect: bigquery
-- raw.a(x, y)
select (st).*, st.p as o, t.st.y as u from (select struct(x as p, y) as st from raw.a) as t
-- p <- raw.a.x TRANSFORMATION
-- y <- raw.a.y TRANSFORMATION
-- o <- raw.a.x TRANSFORMATION
-- u <- raw.a.y TRANSFORMATION

-- # many arguments out of COLUMNS
-- raw.a(id, x, y)
select coalesce(*columns('^(x|y)$')) as c, columns(['x', 'y']) + 1 as "\0_more" from raw.a
-- c <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION
-- x_more <- raw.a.x TRANSFORMATION
-- y_more <- raw.a.y TRANSFORMATION

-- # a list out of COLUMNS
-- raw.a(id, x, y)
select id, [*columns(* exclude (id))] as l from raw.a
-- id <- raw.a.id
-- l <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION

-- # many arguments out of a table that nobody describes
-- raw.u(?)
select coalesce(*columns(*)) as c from raw.u
-- c <-
-- (partial) open-star

-- # a list that is written out makes so many rows, whatever is in it
-- raw.a(id, x, y, l integer[])
select a.id, unnest([x, y]) as u, v.w from raw.a as a, unnest([x, id]) as v(w)
-- id <- raw.a.id
-- u <- raw.a.x TRANSFORMATION, raw.a.y TRANSFORMATION
-- w <- raw.a.x TRANSFORMATION, raw.a.id TRANSFORMATION

-- # a list with a condition does not
-- raw.a(id, x, l integer[])
select id, unnest([e for e in [x, 1] if e > 1]) as u from raw.a
-- id <- raw.a.id
-- u <- raw.a.x TRANSFORMATION
-- (rows) <- raw.a.x JOIN

-- # a field by schema, table, column and field
-- raw.t(id, addr struct(city varchar, zip varchar))
select raw.t.id, raw.t.addr.city as city, raw.t.addr as whole from raw.t
-- id <- raw.t.id
-- city <- raw.t.addr TRANSFORMATION
-- whole <- raw.t.addr
