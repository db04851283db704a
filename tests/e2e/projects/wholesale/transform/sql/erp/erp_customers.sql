select kundennr as customer_id, lower(trim(email)) as email, name, plz as postal_code
from {{ source("erp", "kunde") }}
