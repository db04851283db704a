-- A product goes into the cart, is bought, and may come back: in this order.
select
    order_id,
    added_to_cart_at,
    purchased_at,
    returned_at
from {{ ref('orders') }}
where
    purchased_at < added_to_cart_at
    or returned_at < purchased_at
