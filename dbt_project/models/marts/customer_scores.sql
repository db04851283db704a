-- The model's opinion beside the facts: whom is it worth reminding of the cart?
select
    customers.customer_id,
    customers.country,
    customers.first_cart_at,
    customers.first_cart_price,
    case
        when customers.first_cart_is_bought_within_year then 'converted'
        when customers.first_cart_is_year_over then 'expired'
        else 'open'
    end as cart_status,
    predictions.conversion_probability,
    cast(customers.first_cart_price * predictions.conversion_probability as decimal(12, 2))
        as expected_revenue,
    ntile(10) over (order by predictions.conversion_probability desc) as score_decile
from {{ ref('customers') }} as customers
inner join {{ source('ml', 'predictions') }} as predictions
    on customers.customer_id = predictions.customer_id
