-- Does the shop get better at turning carts into orders? Only carts that have had
-- their full year count; younger ones could still be bought.
select
    extract(year from added_to_cart_at) as cart_year,
    count(*) as cart_items,
    count(*) filter (where is_bought_within_year) as bought_within_year,
    avg(cast(is_bought_within_year as integer)) as conversion_rate,
    median(days_to_purchase) as median_days_to_purchase
from {{ ref('int_cart_items') }}
where is_year_over
group by 1
