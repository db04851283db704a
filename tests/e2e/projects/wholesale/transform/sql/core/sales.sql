{{ config(materialized="incremental", unique_key="order_id", on_schema_change="append_new_columns") }}
select o.order_id, o.customer_id, o.product_id, o.ordered_on, o.quantity * p.price as revenue, o.quantity * (p.price - p.cost) as margin
from {{ ref("erp_orders") }} o
join {{ ref("erp_products") }} p using (product_id)
where o.ordered_on >= date '{{ var("first_day") }}'
{% if is_incremental() %} and o.ordered_on >= (select max(ordered_on) from {{ this }}) {% endif %}
