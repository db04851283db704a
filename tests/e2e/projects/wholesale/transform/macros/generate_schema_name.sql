{# One schema a layer in production; a prefix of one's own elsewhere. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {%- if target.name == "prod" and custom_schema_name -%}
    {{ custom_schema_name | trim }}
  {%- elif custom_schema_name -%}
    {{ target.schema }}__{{ custom_schema_name | trim }}
  {%- else -%}
    {{ target.schema }}
  {%- endif -%}
{%- endmacro %}
