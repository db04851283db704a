{{ config(severity='warn', tags=['slow']) }} select * from {{ ref('customers') }} join {{ ref('revenue') }} using (id)
