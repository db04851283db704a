with carts as (

    select * from {{ ref('int_cart_items') }}

),

history as (

    select
        customer_id,
        count(*) as cart_items,
        count(purchased_at) as orders,
        count(returned_at) as returns,
        min(purchased_at) as first_order_at,
        max(purchased_at) as last_order_at,
        coalesce(
            sum(price) filter (where purchased_at is not null and returned_at is null), 0
        ) as lifetime_value
    from carts
    group by customer_id

),

first_cart as (

    select *
    from carts
    where cart_number = 1

)

select
    users.customer_id,
    users.first_name,
    users.email,
    users.age,
    users.country_code,
    countries.country,
    countries.region,
    users.signed_up_at,
    coalesce(history.cart_items, 0) as cart_items,
    coalesce(history.orders, 0) as orders,
    coalesce(history.returns, 0) as returns,
    history.first_order_at,
    history.last_order_at,
    cast(coalesce(history.lifetime_value, 0) as decimal(12, 2)) as lifetime_value,
    first_cart.added_to_cart_at as first_cart_at,
    first_cart.price as first_cart_price,
    first_cart.purchased_at as first_cart_purchased_at,
    first_cart.is_bought_within_year as first_cart_is_bought_within_year,
    first_cart.is_year_over as first_cart_is_year_over
from {{ ref('stg_users') }} as users
left join history on users.customer_id = history.customer_id
left join first_cart on users.customer_id = first_cart.customer_id
left join {{ ref('countries') }} as countries on users.country_code = countries.country_code
