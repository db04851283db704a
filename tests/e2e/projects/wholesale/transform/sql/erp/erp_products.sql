select artnr as product_id, bezeichnung as product, {{ euros("ek_cent") }} as cost, {{ euros("vk_cent") }} as price
from {{ source("erp", "artikel") }}
