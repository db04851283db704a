select (date '{{ var("first_day") }}' + range::integer)::date as day, {{ calendar.week_of("date '" ~ var("first_day") ~ "' + range::integer") }} as week
from range({{ var("days") }})
