select
    id as cart_item_id,
    user_id as customer_id,
    product_id,
    {{ utc('added_to_cart_at') }} as added_to_cart_at,
    {{ utc('purchased_at') }} as purchased_at,
    {{ utc('returned_at') }} as returned_at,
    {{ utc('_airbyte_extracted_at') }} as loaded_at
from {{ source('raw', 'purchases') }}
