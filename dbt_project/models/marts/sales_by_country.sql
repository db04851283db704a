select
    customers.country_code,
    customers.country,
    customers.region,
    count(distinct customers.customer_id) as customers,
    count(orders.order_id) as orders,
    coalesce(sum(orders.net_revenue), 0) as net_revenue,
    coalesce(sum(orders.net_revenue), 0) / sum(sum(orders.net_revenue)) over () as revenue_share
from {{ ref('customers') }} as customers
left join {{ ref('orders') }} as orders on customers.customer_id = orders.customer_id
group by all
