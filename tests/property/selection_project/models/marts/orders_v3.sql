select * from {{ ref('stg_orders') }} join {{ ref('stg_contacts') }} using (id)
