select visitor, lower(trim(email)) as email, signed_up_at from {{ source("web", "signups") }}
