select * from {{ ref('customers') }} order by id
