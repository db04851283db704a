-- Every product that was ever put into a cart, in the order of each customer's carts.
select
    purchases.cart_item_id,
    purchases.customer_id,
    purchases.product_id,
    products.price,
    purchases.added_to_cart_at,
    purchases.purchased_at,
    purchases.returned_at,
    purchases.loaded_at,
    date_diff('day', purchases.added_to_cart_at, purchases.purchased_at) as days_to_purchase,
    coalesce(
        purchases.purchased_at <= purchases.added_to_cart_at + interval 1 year, false
    ) as is_bought_within_year,
    purchases.added_to_cart_at + interval 1 year <= purchases.loaded_at as is_year_over,
    row_number() over customer_history as cart_number
from {{ ref('stg_purchases') }} as purchases
inner join {{ ref('stg_products') }} as products using (product_id)
window customer_history as (
    partition by purchases.customer_id
    order by purchases.added_to_cart_at, purchases.cart_item_id
)
