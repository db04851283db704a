{{ config(materialized='table', enabled=var('break', false)) }}
select payment_id, cast('x' as integer) as bad from {{ ref('stg_payments') }}
