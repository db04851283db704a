{{ config(materialized='incremental', unique_key='id', group='marketing', tags='core') }}
select u.id, count(*) as orders from {{ ref('stg_users') }} u
join {{ ref('stg_orders') }} o on u.id = o.user_id
join {{ ref('countries') }} c on true
join {{ ref('calendar') }} d on true
where {{ function('is_big') }}(o.amount) group by 1
