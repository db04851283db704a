select landing_path, count(*) as customers, min(first_visit) as since from {{ ref("customers", v=2) }} where landing_path like '/campaign/%' group by 1
