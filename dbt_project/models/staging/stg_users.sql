select
    id as customer_id,
    name as first_name,
    lower(email) as email,
    gender,
    age,
    occupation,
    address ->> 'city' as city,
    address ->> 'country_code' as country_code,
    {{ utc('created_at') }} as signed_up_at
from {{ source('raw', 'users') }}
