{#- Two conversions that every staging model needs, said once. -#}

{% macro utc(column) -%}
    cast({{ column }} as timestamptz) at time zone 'UTC'
{%- endmacro %}

{% macro dollars(column) -%}
    cast({{ column }} as decimal(12, 2))
{%- endmacro %}
