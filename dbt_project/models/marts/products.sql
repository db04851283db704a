with orders as (

    select
        product_id,
        count(*) as orders,
        count(*) filter (where is_returned) as returns,
        sum(net_revenue) as net_revenue
    from {{ ref('orders') }}
    group by product_id

),

price_changes as (

    select product_id, count(*) - 1 as price_changes
    from {{ ref('product_prices') }}
    group by product_id

)

select
    products.product_id,
    products.product_name,
    products.make,
    products.model_year,
    products.price,
    products.listed_at,
    coalesce(price_changes.price_changes, 0) as price_changes,
    coalesce(orders.orders, 0) as orders,
    coalesce(orders.returns, 0) as returns,
    round(orders.returns / nullif(orders.orders, 0), 3) as return_rate,
    coalesce(orders.net_revenue, 0) as net_revenue,
    rank() over (order by coalesce(orders.net_revenue, 0) desc) as revenue_rank
from {{ ref('stg_products') }} as products
left join orders on products.product_id = orders.product_id
left join price_changes on products.product_id = price_changes.product_id
