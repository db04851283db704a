select * from {{ ref('customers') }} join {{ ref('stg_contacts') }} using (id)
