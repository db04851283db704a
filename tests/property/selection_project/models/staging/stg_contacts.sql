select id, {{ cents("amount") }} as amount from {{ source("crm", "users") }}
