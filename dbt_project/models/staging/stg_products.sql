select
    id as product_id,
    make,
    model,
    make || ' ' || model as product_name,
    year as model_year,
    {{ dollars('price') }} as price,
    {{ utc('created_at') }} as listed_at
from {{ source('raw', 'products') }}
