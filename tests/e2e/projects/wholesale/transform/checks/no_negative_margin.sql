{{ config(severity="warn") }}
select * from {{ ref("sales") }} where margin < 0
