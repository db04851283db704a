{{ config(materialized='table') }}
select c.id as customer_id, c.name, sum(p.amount) as total
from {{ ref('customers_seed') }} as c
left join {{ ref('only_positive') }} as p on p.customer_id = c.id
group by c.id, c.name
