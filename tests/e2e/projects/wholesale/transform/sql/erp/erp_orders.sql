select auftrnr as order_id, kundennr as customer_id, artnr as product_id, menge as quantity, cast(erfasst_am as date) as ordered_on
from {{ source("erp", "auftrag") }}
where storniert is not true
