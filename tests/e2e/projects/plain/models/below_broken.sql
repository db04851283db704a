{{ config(enabled=var('break', false)) }}
select * from {{ ref('broken_input') }}
