select * from {{ source("crm", "users") }}
