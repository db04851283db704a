with months as (

    select
        cast(date_trunc('month', purchased_at) as date) as month,
        count(*) as orders,
        count(distinct customer_id) as customers,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue
    from {{ ref('orders') }}
    group by 1

)

select
    month,
    orders,
    customers,
    gross_revenue,
    net_revenue,
    gross_revenue - net_revenue as returned_revenue,
    sum(net_revenue) over (order by month) as net_revenue_to_date,
    avg(net_revenue) over (order by month rows between 11 preceding and current row)
        as net_revenue_12_months_average
from months
