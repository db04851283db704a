{{
    config(
        materialized='incremental',
        unique_key='order_id',
        on_schema_change='append_new_columns',
    )
}}

-- What was bought. An order changes after it was made (it can come back), so a row
-- that landed again replaces the one that is there.
select
    cart_item_id as order_id,
    customer_id,
    product_id,
    added_to_cart_at,
    purchased_at,
    returned_at,
    returned_at is not null as is_returned,
    days_to_purchase,
    price as gross_revenue,
    case when returned_at is null then price else 0 end as net_revenue,
    loaded_at
from {{ ref('int_cart_items') }}
where purchased_at is not null
{% if is_incremental() %}
    and loaded_at > (select coalesce(max(loaded_at), timestamp '1970-01-01') from {{ this }})
{% endif %}
