select customer_id, email, min(visited_on) as first_visit, arg_min(landing_path, visited_on) as landing_path
from {{ ref("erp_customers") }}
left join {{ ref("web_signups") }} using (email)
left join {{ ref("web_visits") }} using (visitor)
group by all
