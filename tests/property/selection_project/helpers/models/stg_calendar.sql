select id from {{ ref("calendar") }}
