select id as payment_id, customer_id, amount from {{ source('raw', 'raw_payments') }}
