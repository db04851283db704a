{% macro note_the_end(results) %}
  {% if execute %}{{ log(results | length ~ " nodes", info=False) }}{% endif %}
{% endmacro %}
