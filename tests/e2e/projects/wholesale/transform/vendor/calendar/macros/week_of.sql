{% macro week_of(column) %}date_trunc('week', {{ column }})::date{% endmacro %}
