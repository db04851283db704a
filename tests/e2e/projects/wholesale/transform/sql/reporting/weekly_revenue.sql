select d.week, coalesce(r.country, 'unknown') as country, sum(s.revenue) as revenue, sum(s.margin) as margin, count(distinct s.customer_id) as buyers
from {{ ref("calendar", "days") }} d
join {{ ref("sales") }} s on s.ordered_on = d.day
left join {{ ref("erp_customers") }} c using (customer_id)
left join {{ ref("regions") }} r on r.prefix = left(c.postal_code, 1)
group by all
having sum(s.margin) > {{ var("margin_floor") }}
