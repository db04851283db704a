with numbered as (
    select *, row_number() over (partition by visitor, cast(seen_at as date) order by seen_at) as page
    from {{ source("web", "page_views") }}
)
select visitor || '-' || cast(seen_at as date) as visit_id, visitor, cast(seen_at as date) as visited_on, path as landing_path
from numbered where page = 1
